# promise: a process that shares its table of descriptors confuses nobody
# points: forks-one-child, both-end-with-0, parent-waits-for-its-child
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
r, w = os.pipe()
os.write(w, b"before")
pid = libc.syscall(56, ctypes.c_ulong(0x400 | 17), 0, 0, 0, 0)  # CLONE_FILES
if pid == 0:
    os.close(r)
    os.open("/dev/zero", os.O_RDONLY)
    os.close(w)
    os.open("/dev/null", os.O_WRONLY)
    os._exit(0)
os.waitpid(pid, 0)
print(len(os.read(r, 3)), os.write(w, b"after"))
