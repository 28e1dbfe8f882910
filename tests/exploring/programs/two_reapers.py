"""A handler collects the child that the program itself waits for."""

import os
import signal


def collect(number: int, frame: object) -> None:
    """Take the signal for one child."""
    os.waitpid(-1, os.WNOHANG)


signal.signal(signal.SIGCHLD, collect)
pid = os.fork()
if pid == 0:
    os._exit(3)
_, status = os.waitpid(pid, 0)
print("ended with", os.waitstatus_to_exitcode(status))
