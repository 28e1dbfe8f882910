"""Exercise 2: a child sends numbers to its parent through a pipe."""

import sys


def child(write_end: int, count: int, interval: float) -> None:
    """Send 1 to `count` through the pipe, one a line, one every `interval` seconds."""


def parent(read_end: int, child_pid: int) -> None:
    """Print `received : <number>` as each number arrives, `close.` at end of file.

    Then collect the child's status.
    """


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    print(f"{count} numbers to send, one every {interval} seconds, and no pipe yet")
