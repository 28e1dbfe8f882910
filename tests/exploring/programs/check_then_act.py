"""Both see that the file is not there, and both make it."""

import os


def claim() -> int:
    """Return 1 where the file was not there and now is."""
    if os.path.exists("claimed"):
        return 0
    os.close(os.open("claimed", os.O_WRONLY | os.O_CREAT))
    return 1


pid = os.fork()
if pid == 0:
    os._exit(claim())
mine = claim()
_, status = os.waitpid(pid, 0)
assert mine + os.waitstatus_to_exitcode(status) == 1
