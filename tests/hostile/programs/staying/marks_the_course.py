# promise: nobody's files get other rights, owners, times or attributes
import ctypes
import fcntl
import os
import stat
import sys

libc = ctypes.CDLL(None, use_errno=True)
FILE, FOLDER = "@COURSE@/solutions/exercise1/exercise1.py", "@COURSE@/hidden"
AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
GET_FLAGS, SET_FLAGS = 0x80086601, 0x40086602  # FS_IOC_GETFLAGS, FS_IOC_SETFLAGS


def called(number, *arguments):
    if libc.syscall(number, *arguments) == -1:
        raise OSError(ctypes.get_errno(), "no")


def through_a_descriptor(path):
    fd = os.open(path, os.O_PATH)
    mode = stat.S_IMODE(os.stat(path).st_mode)
    for change in (
        lambda: os.chmod(f"/proc/self/fd/{fd}", mode),
        lambda: os.utime(f"/proc/thread-self/fd/{fd}"),
        lambda: called(452, fd, b"", mode, AT_EMPTY_PATH),  # fchmodat2
        lambda: called(280, fd, b"", None, AT_EMPTY_PATH),  # utimensat
        lambda: called(260, fd, b"", -1, -1, AT_EMPTY_PATH),  # fchownat
    ):
        attempt(change, path)
    os.close(fd)


def through_what_is_open(path):
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return
    attempt(lambda: os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode)), path)
    attempt(lambda: os.fchown(fd, -1, -1), path)
    attempt(lambda: os.utime(fd), path)
    attempt(lambda: os.setxattr(fd, "user.mark", b"x"), path)
    attempt(lambda: fcntl.ioctl(fd, SET_FLAGS, fcntl.ioctl(fd, GET_FLAGS, bytes(8))), path)
    os.close(fd)


def attempt(change, path):
    try:
        change()
    except OSError:
        return
    print("LOOT", path)


os.symlink(FILE, "link")
os.symlink("@COURSE@", "course")
# What is not the course's is only given what it has.
for path in (
    *(FILE, FOLDER, "@CLASS@", "@HOME@/secret", "link", "course/hidden"),
    *(os.__file__, "/dev/null", "/dev/shm", "/usr/share", sys.executable),
):
    mode = stat.S_IMODE(os.stat(path).st_mode)
    before = os.stat(path)
    times = before.st_atime_ns, before.st_mtime_ns
    for change in (
        lambda: os.chmod(path, mode),
        lambda: os.chown(path, -1, -1),
        lambda: os.utime(path, ns=times),
        lambda: called(132, os.fsencode(path), None),  # utime
        lambda: called(235, os.fsencode(path), None),  # utimes
        lambda: called(261, AT_FDCWD, os.fsencode(path), None),  # futimesat
    ):
        attempt(change, path)
    through_what_is_open(path)
    through_a_descriptor(path)
for path in (FILE, FOLDER, "@HOME@/secret"):
    attempt(lambda: os.setxattr(path, "user.mark", b"x"), path)
