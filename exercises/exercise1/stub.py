"""Exercise 1: fork a child, and wait for it."""

import os


def child() -> None:
    """Print `this is child, pid = <its pid>, parent id = <its parent's pid>`."""


def parent(child_pid: int) -> None:
    """Print `this is parent, pid = <its pid>, child id = <the child's pid>`.

    Then collect the child's status.
    """


if __name__ == "__main__":
    # Instead of this line: fork, and let each of the two processes do its part.
    print(f"process {os.getpid()} has not forked yet")
