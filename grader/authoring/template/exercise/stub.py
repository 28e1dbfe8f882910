"""exerciseN: a child ends with a code, and its parent reports it."""

import sys


def child(code: int) -> None:
    """End this process with that exit code."""


def parent(child_pid: int) -> None:
    """Collect the child, and print `the child ended with <code>`."""


if __name__ == "__main__":
    code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    # Instead of this line: fork, and let each of the two processes do its part.
    print(f"nobody has ended with {code} yet")
