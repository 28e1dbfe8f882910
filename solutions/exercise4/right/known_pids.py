# Asks for each child by its pid; another call of the handler may have been faster.
import os
import signal
import sys

running = []


def say(text):
    os.write(1, (text + "\n").encode())


def collect(number, frame):
    # Children that ended before their pid was noted are found by -1.
    for pid in [*running, -1, *[-1] * 64]:
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
        if done:
            say(f"Child {done} Finish, status = {os.WEXITSTATUS(status)}")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    signal.signal(signal.SIGCHLD, collect)
    for i in range(count):
        pid = os.fork()
        if pid == 0:
            say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
            os._exit(i)
        running.append(pid)
        say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    while True:
        signal.pause()


main()
