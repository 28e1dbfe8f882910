# diagnosis: handler-idle
# Process objects leave their ends to the handler.
import multiprocessing
import os
import signal
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child_ended(number, frame):
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")


def child(number):
    say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(number)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, child_ended)
    forks = multiprocessing.get_context("fork")
    for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
        # It looks first which of those before have ended.
        process = forks.Process(target=child, args=(number,))
        process.start()
        say(f"this is parent, pid = {os.getpid()}, child id = {process.pid}")
    while True:
        signal.pause()
