"""Exercise 4, the reference: a SIGCHLD handler that collects every child."""

import os
import signal
import sys


def say(text: str) -> None:
    """Write a line, in one step: safe in a handler, where `print` is not."""
    os.write(1, f"{text}\n".encode())


def child(number: int) -> None:
    """Say which process this is, and end with exit code `number`."""
    say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    # The child ends here: it must not go on forking, nor wait for signals.
    os._exit(number)


def child_ended(number: int, frame: object) -> None:
    """Handle SIGCHLD: collect every child that has ended."""
    # One signal may stand for several children: signals do not queue. So go on until
    # there is nothing left to collect.
    while True:
        try:
            # WNOHANG: those that still run are none of the handler's business, and
            # the program must not stand still until they end.
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return  # no child is left at all
        if pid == 0:
            return  # all that are left still run
        say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")


def main(children: int) -> None:
    """Fork the children, and rest until SIGTERM ends the program."""
    # Before the first fork: a child may end before its parent has run another step.
    signal.signal(signal.SIGCHLD, child_ended)
    for number in range(children):
        pid = os.fork()
        if pid == 0:
            child(number)
        say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    while True:
        signal.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
