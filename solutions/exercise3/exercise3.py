"""Exercise 3, the reference: answer each Ctrl+C with a line, and go on."""

import os
import signal


def say(text: str) -> None:
    """Write a line, in one step: safe in a handler, where `print` is not."""
    # A handler may run while the program, or the handler itself, is half-way through
    # print, and print cannot be entered a second time. os.write has no state of its
    # own that could be half changed.
    os.write(1, f"{text}\n".encode())


def interrupted(number: int, frame: object) -> None:
    """Handle SIGINT."""
    say("Ctrl + C")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupted)
    # SIGTERM keeps its default action, which is to end the program.
    while True:
        # Sleeps until a signal has been handled, and then returns: hence the loop.
        signal.pause()
