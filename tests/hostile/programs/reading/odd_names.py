# promise: however a name is written, it opens nothing of others'
import ctypes
import mmap
import os

libc = ctypes.CDLL(None)
SECRET = b"@HOME@/secret"


def attempt(name):
    fd = libc.open(name, os.O_RDONLY)
    if fd != -1:
        print("LOOT", os.read(fd, 60))


# At the end of a page behind which there is none.
pages = mmap.mmap(-1, 2 * mmap.PAGESIZE)
start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
libc.mprotect(ctypes.c_void_p(start + mmap.PAGESIZE), mmap.PAGESIZE, 0)
pages[mmap.PAGESIZE - len(SECRET) - 1 : mmap.PAGESIZE] = SECRET + b"\0"
attempt(ctypes.c_void_p(start + mmap.PAGESIZE - len(SECRET) - 1))
pages[mmap.PAGESIZE - len(SECRET) : mmap.PAGESIZE] = SECRET
attempt(ctypes.c_void_p(start + mmap.PAGESIZE - len(SECRET)))

os.mkdir(b"\xff\xfe")
os.symlink("@HOME@", b"\xff\xfe/\xe9")
os.symlink("@HOME@/secret", b"\n")
depth = os.getcwd().count("/")
for name in (
    SECRET + bytes(1) + b"x",
    b"/" * (4095 - len(SECRET)) + SECRET,
    b"/." * ((4095 - len(SECRET)) // 2) + SECRET,
    b"../" * depth + SECRET[1:],
    b"../" * (depth + 99) + SECRET[1:],
    b"/proc/self/../.." + SECRET,
    b"/usr/lib/../.." + SECRET,
    b"/usr/bin/.." * 9 + b"/.." + SECRET,
    b"/dev/shm/../.." + SECRET,
    b"/dev/fd/../../.." + SECRET,
    b"\xff\xfe/\xe9/secret",
    b"\n",
    b"./\n",
    SECRET + b"/",
    SECRET + b"/.",
):
    attempt(name)
for number in range(38):
    os.symlink(f"chain-{number + 1}", f"chain-{number}")
os.symlink(SECRET, "chain-38")
attempt(b"chain-0")
os.symlink("round", "round")
attempt(b"round")
