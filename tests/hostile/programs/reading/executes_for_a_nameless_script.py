# promise: no script without a name has a file of others executed for it
# points: both-end-with-0, parent-waits-for-its-child
import ctypes
import os

libc = ctypes.CDLL(None)
SCRIPT = b"#!@HOME@/says.sh\n"
NOTHING = ctypes.POINTER(ctypes.c_char_p)()


def of_memory():
    return os.memfd_create("script", 0)


def without_a_name():
    return os.open(".", os.O_TMPFILE | os.O_RDWR, 0o700)


def unlinked():
    fd = os.open("gone", os.O_CREAT | os.O_RDWR, 0o700)
    os.unlink("gone")
    return fd


for make in (of_memory, without_a_name, unlinked):
    fd = make()
    os.write(fd, SCRIPT)
    again = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
    os.close(fd)
    pid = os.fork()
    if pid == 0:
        libc.syscall(322, again, b"", NOTHING, NOTHING, 0x1000)
        libc.syscall(59, f"/proc/self/fd/{again}".encode(), NOTHING, NOTHING)
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(again)
