"""Exercise 4: a SIGCHLD handler that collects every child, whenever it ends."""

import os
import sys


def say(text: str) -> None:
    """Write a line, in one step: safe in a handler, where `print` is not."""
    os.write(1, f"{text}\n".encode())


def child(number: int) -> None:
    """Say `this is child, pid = <its pid>, parent id = <its parent's pid>`.

    Then end with exit code `number`.
    """


def child_ended(number: int, frame: object) -> None:
    """Handle SIGCHLD: collect the children that have ended.

    For each, say `Child <its pid> Finish, status = <its exit code>`.
    """


if __name__ == "__main__":
    children = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    say(f"{children} children to fork, and no handler yet")
