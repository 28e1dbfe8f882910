# promise: a descriptor on a folder of others, or a way through /proc, opens nothing
import os
import threading

NAME = "hidden/exercise1/test_exercise1.py"


def attempt(way):
    try:
        fd = way()
        print("LOOT", os.read(fd, 60))
    except OSError:
        pass


def from_here():
    try:
        print("LOOT", os.listdir("."))
    except OSError:
        pass
    attempt(lambda: os.open(NAME, os.O_RDONLY))
    attempt(lambda: os.open(f"/proc/self/cwd/{NAME}", os.O_RDONLY))
    attempt(lambda: os.open(f"/proc/thread-self/cwd/{NAME}", os.O_RDONLY))
    attempt(lambda: os.open(f"/proc/{os.getpid()}/cwd/./{NAME}", os.O_RDONLY))


folder = os.open("@COURSE@", os.O_PATH | os.O_DIRECTORY)
file = os.open(NAME, os.O_PATH, dir_fd=folder)
for number in (folder, file):
    for link in ("/proc/self/fd", "/dev/fd", "/proc/thread-self/fd", "/proc/1/root/dev/fd"):
        for rest in ("", f"/{NAME}", f"/../course/{NAME}", f"/./{NAME}/", "//"):
            attempt(lambda: os.open(f"{link}/{number}{rest}", os.O_RDONLY))
attempt(lambda: os.open(NAME, os.O_RDONLY, dir_fd=folder))
attempt(lambda: os.open(f"/proc/self/root@COURSE@/{NAME}", os.O_RDONLY))
attempt(lambda: os.open(f"/proc/self/root/../..@COURSE@/{NAME}", os.O_RDONLY))
os.symlink("/proc/self/fd", "fds")
os.symlink(f"/proc/self/fd/{folder}", "through")
attempt(lambda: os.open(f"fds/{folder}/{NAME}", os.O_RDONLY))
attempt(lambda: os.open(f"through/{NAME}", os.O_RDONLY))
os.fchdir(folder)
from_here()
thread = threading.Thread(target=from_here)
thread.start()
thread.join()
