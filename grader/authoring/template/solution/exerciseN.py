"""exerciseN, the reference: a child ends with a code, and its parent reports it."""

import os
import sys


def child(code: int) -> None:
    """End this process with that exit code."""
    os._exit(code)


def parent(child_pid: int) -> None:
    """Collect the child, and print how it ended."""
    _, status = os.waitpid(child_pid, 0)
    # A status is not a code: it would also say by which signal the child was killed.
    print("the child ended with", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    pid = os.fork()
    if pid == 0:
        child(code)
    parent(pid)
