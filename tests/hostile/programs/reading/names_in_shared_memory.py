# promise: a name in memory that others share opens, and removes, nothing of others'
# points: forks-one-child, parent-waits-for-its-child
import ctypes
import mmap
import os
import signal

libc = ctypes.CDLL(None)
SECRET = b"@HOME@/secret\0"
OWN = b"/proc/self/cwd/" + b"/" * (len(SECRET) - 19) + b"own\0"
fd = os.open("/dev/shm/@MARK@name", os.O_CREAT | os.O_RDWR)
os.truncate(fd, 4096)
memory = mmap.mmap(fd, 4096)
memory[: len(OWN)] = OWN
name = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
pid = os.fork()
if pid == 0:
    while True:
        memory[: len(SECRET)] = SECRET
        memory[: len(OWN)] = OWN
for _ in range(30):
    with open("own", "w") as file:
        file.write("own")
    opened = libc.open(name, os.O_RDONLY)
    if opened != -1:
        text = os.read(opened, 60)
        if text != b"own":
            print("LOOT", text)
        os.close(opened)
    libc.truncate(name, 3)
    libc.unlink(name)
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
