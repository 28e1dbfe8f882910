"""Exercise 1, the reference: fork a child, and wait for it."""

import os
import sys


def child() -> None:
    """What the new process does."""
    # Both numbers are asked for here, after the fork: each process has its own.
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")


def parent(child_pid: int) -> None:
    """What the old process does."""
    print(f"this is parent, pid = {os.getpid()}, child id = {child_pid}")
    # Without this the child would stay in the process table as a zombie, or be left
    # to another process to care for, depending on who is faster.
    os.waitpid(child_pid, 0)


if __name__ == "__main__":
    # Nothing is printed before the fork: text that waits in a buffer is copied too.
    pid = os.fork()
    if pid == 0:
        child()
        # The child ends here and never comes to the parent's part. sys.exit writes out
        # what print has kept back, which os._exit does not.
        sys.exit(0)
    parent(pid)
