# The child raises SystemExit, caught nowhere; the parent waits on an event.
import os
import select
import signal
import sys


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def reap(*_):
    done = False
    while not done:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
            done = pid == 0
            if not done:
                say("Child", pid, "Finish, status =", status >> 8)
        except ChildProcessError:
            done = True


def main(count):
    signal.signal(signal.SIGCHLD, reap)
    for i in range(count):
        pid = os.fork()
        if not pid:
            say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
            sys.exit(i)
        say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    while True:
        select.select([], [], [], 60)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
