# diagnosis: handler-blocks
# A signal came, so there is one child at least that can be waited for.
import os
import signal
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child_ended(number, frame):
    try:
        pid, status = os.waitpid(-1, 0)
        while pid:
            say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")
            pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        pass


children = int(sys.argv[1]) if len(sys.argv) > 1 else 1
signal.signal(signal.SIGCHLD, child_ended)
for number in range(children):
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(number)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while True:
    signal.pause()
