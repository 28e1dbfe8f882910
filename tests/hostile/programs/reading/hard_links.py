# promise: no other name can be given to what cannot be read
import ctypes
import os

libc = ctypes.CDLL(None)
AT_FDCWD, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH = -100, 0x400, 0x1000
TARGETS = ("@COURSE@/hidden/exercise1/test_exercise1.py", "@HOME@/secret")


for number, target in enumerate(TARGETS):
    fd = os.open(target, os.O_PATH)
    os.symlink(target, f"link-{number}")
    ways = (
        (AT_FDCWD, target, 0),
        (AT_FDCWD, f"link-{number}", AT_SYMLINK_FOLLOW),
        (AT_FDCWD, f"/proc/self/fd/{fd}", AT_SYMLINK_FOLLOW),
        (fd, "", AT_EMPTY_PATH),
    )
    for folder in ("", "/dev/shm/"):
        for place, (at, old, flags) in enumerate(ways):
            new = f"{folder}@MARK@{number}-{place}"
            old, made = old.encode(), new.encode()
            if libc.linkat(at, old, AT_FDCWD, made, flags) == 0:
                print("LOOT", open(new).read()[:60])
                os.unlink(new)
