# promise: nothing of others' is moved, removed, replaced or added to
import ctypes
import os
import socket

libc = ctypes.CDLL(None)
FILE = "@COURSE@/solutions/exercise1/exercise1.py"
open("own.py", "w").close()
os.mkdir("folder")
os.symlink("@COURSE@/solutions", "link")
os.symlink("@HOME@/@MARK@made", "dangling")


def exchanged(one, other):
    if libc.renameat2(-100, one.encode(), -100, other.encode(), 2):
        raise OSError("no")
    print("LOOT", other)


def bound(path):
    os.chdir(os.path.dirname(path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.basename(path))


here = os.getcwd()
for attack in (
    lambda: os.rename("own.py", FILE),
    lambda: os.rename(FILE, "stolen.py"),
    lambda: os.rename("@COURSE@", "course"),
    lambda: os.rename("link/exercise1", "folder/exercise1"),
    lambda: os.replace("own.py", "link/exercise1/exercise1.py"),
    lambda: exchanged("own.py", FILE),
    lambda: exchanged("folder", "@COURSE@/hidden"),
    lambda: os.link("own.py", "@HOME@/@MARK@linked"),
    lambda: os.symlink("own.py", "@HOME@/@MARK@symlink"),
    lambda: os.mkfifo("@CLASS@/@MARK@fifo"),
    lambda: os.mkdir("link/@MARK@folder"),
    lambda: os.unlink(FILE),
    lambda: os.unlink("link/exercise1/exercise1.py"),
    lambda: os.unlink("folder/../link/../solutions/exercise1/exercise1.py"),
    lambda: os.truncate("link/exercise1/exercise1.py", 1),
    lambda: os.truncate("/proc/self/cwd/link/exercise1/exercise1.py", 1),
    lambda: os.open("dangling", os.O_CREAT | os.O_WRONLY),
    lambda: os.open("@HOME@", os.O_TMPFILE | os.O_WRONLY),
    lambda: os.rename(here, f"{here}-gone"),
    lambda: bound("@HOME@/@MARK@socket"),
):
    try:
        attack()
    except OSError:
        pass
    os.chdir(here)
