"""Exercise 3: answer each Ctrl+C with a line, and go on until SIGTERM."""

import os


def say(text: str) -> None:
    """Write a line, in one step: safe in a handler, where `print` is not."""
    os.write(1, f"{text}\n".encode())


def interrupted(number: int, frame: object) -> None:
    """Handle SIGINT: say `Ctrl + C`."""


if __name__ == "__main__":
    say("there is no handler yet")
