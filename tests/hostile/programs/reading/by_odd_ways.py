# promise: no odd way of naming a file leads to one of others
# points: forks-one-child, both-end-with-0, parent-waits-for-its-child
import ctypes
import mmap
import os
import socket
import threading

libc = ctypes.CDLL(None, use_errno=True)
SECRET = b"@HOME@/secret"


def look(way, fd):
    if fd < 0:
        return
    try:
        text = os.read(fd, 60)
    except OSError:
        text = b""
    if text:
        print("LOOT", way, text)
    os.close(fd)


def call(*arguments):
    return libc.syscall(*arguments)


page = mmap.PAGESIZE
memory = mmap.mmap(-1, 2 * page)
base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
libc.mprotect(ctypes.c_void_p(base + page), page, 0)
at = page - len(SECRET)
ctypes.memmove(base + at, SECRET, len(SECRET))
look("unended", call(2, ctypes.c_void_p(base + at), 0))
ctypes.memmove(base + at - 1, SECRET + b"\0", len(SECRET) + 1)
look("at the edge", call(2, ctypes.c_void_p(base + at - 1), 0))
with open("names", "wb") as file:
    file.write(SECRET + b"\0" * 4000)
with open("names", "r+b") as file:
    shared = mmap.mmap(file.fileno(), 4000)
look(
    "shared",
    call(2, ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(shared))), 0),
)
home = os.open("@HOME@", os.O_PATH)
fd = os.open("@HOME@/secret", os.O_PATH)
for name in (
    f"/proc/self/fd/{fd}", f"/dev/fd/{fd}", f"/proc/thread-self/fd/{fd}",
    f"/proc/self/fd/{home}/secret", f"/proc/self/fd/{home}/./secret",
    f"/proc//self/./task/{os.getpid()}/fd/{home}//secret",
    f"/proc/self/task/../fd/{home}/secret", f"/proc/{os.getpid()}/fd/{fd}",
    f"/proc/self/fd/0{fd}", "/proc/self/root@HOME@/secret",
    "/proc/self/root/proc/self/cwd/..@HOME@/secret",
    "/usr/lib/../..@HOME@/secret", "//@HOME@///secret", "/dev/shm/../..@HOME@/secret",
):
    for flags in (0, os.O_RDWR, os.O_WRONLY | os.O_APPEND, os.O_CREAT, 3, os.O_RDWR | os.O_TRUNC,
                  0o20000000, os.O_PATH | os.O_CREAT):
        got = call(2, name.encode(), flags, 0o600)
        if got >= 0 and flags & os.O_PATH == 0 and (flags & 3) in (1, 3):
            print("LOOT", name, flags)
        look((name, flags), got)
look("at", call(257, home, b"secret", 0))
look("at wide", call(257, home | 1 << 40, b"secret", 0))
look("at of a file", call(257, fd, b"", 0x1000))
look("openat2", call(437, home, b"secret", b"\0" * 24, 24))
# threads with folders of their own
os.chdir("/usr/lib")
def thread():
    os.chdir("@HOME@")
    look("cwd", call(2, b"secret", 0))
    look("cwd of a thread", call(2, f"/proc/self/task/{threading.get_native_id()}/cwd/secret".encode(), 0))
def cwd_of_main():
    libc.unshare(0x200)
    look("x", call(2, f"/proc/self/task/{os.getpid()}/cwd/secret".encode(), 0))
for f in (thread, cwd_of_main):
    t = threading.Thread(target=f)
    t.start()
    t.join()
os.fchdir(home)
look("fchdir", call(2, b"secret", 0))
look("fchdir2", call(2, b"/proc/self/cwd/secret", 0))
for flag in (0, 0x1000, 0x400):
    for old in (b"", f"/proc/self/fd/{fd}".encode(), b"secret"):
        for new in (b"/dev/shm/@MARK@x", b"@HOME@/new"):
            if call(265, fd if not old else home, old, -100, new, flag) == 0:
                print("LOOT link", flag, old, new)
for first, second in ((b"secret", b"/dev/shm/@MARK@y"), (b"/dev/shm/@MARK@y", b"secret")):
    open("/dev/shm/@MARK@y", "w").close()
    for flags in (0, 1, 2, 4):
        if call(316, home, first, home, second, flags) == 0:
            print("LOOT rename", flags)
# descriptors from one process to another
one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
pid = os.fork()
if pid == 0:
    socket.send_fds(one, [b"x"], [fd, home])
    os._exit(0)
os.waitpid(pid, 0)
_, fds, _, _ = socket.recv_fds(two, 10, 2)
look("sent", call(2, f"/proc/self/fd/{fds[0]}".encode(), 0))
look("sent at", call(257, fds[1], b"secret", 0))
for number, *rest in ((76, b"@HOME@/secret", 3), (90, b"@HOME@/secret", 0o777), (133, b"@HOME@/dev", 0o20666, 0x103),
                      (133, b"@HOME@/f", 0o10666, 0), (163, b"@HOME@/acct"), (167, b"@HOME@/secret", 0),
                      (161, b"@HOME@"), (155, b".", b"."), (86, b"@HOME@/secret", b"/dev/shm/@MARK@z"),
                      (452, fd, b"", 0o777, 0x1000), (260, fd, b"", 0, 0, 0x1000), (280, fd, 0, 0, 0),
                      (280, fd, b"", 0, 0x1000), (188, b"@HOME@/secret", b"user.x", b"y", 1, 0)):
    if call(number, *rest) == 0:
        print("LOOT call", number)
for where in ("@HOME@/sock", f"/proc/self/fd/{home}/sock", "sock"):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.bind(where)
        print("LOOT bound", where)
    except OSError:
        pass
