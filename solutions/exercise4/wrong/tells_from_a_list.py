# diagnosis: handler-reenters
# Those who have ended are told from a list, which the inner handler tells as well.
import os
import signal
import sys

count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
ended = []


def say(text):
    os.write(1, f"{text}\n".encode())


def child_ended(number, frame):
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended.append((pid, os.waitstatus_to_exitcode(status)))
    except ChildProcessError:
        pass
    for pid, code in ended:
        say(f"Child {pid} Finish, status = {code}")
    ended.clear()


signal.signal(signal.SIGCHLD, child_ended)
for number in range(count):
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(number)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while True:
    signal.pause()
