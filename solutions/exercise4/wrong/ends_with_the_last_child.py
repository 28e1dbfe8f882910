# diagnosis: ended-early
# When the handler finds no child any more, the program has done its work.
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
            sys.exit(0)
        if pid == 0:
            return
        say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")


signal.signal(signal.SIGCHLD, child_ended)
for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(number)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while True:
    signal.pause()
