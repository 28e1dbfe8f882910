# diagnosis: handler-idle
# The handler was called for a command; so it works, and wait is what collects.
import os
import signal
import subprocess
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child_ended(number, frame):
    pass


children = int(sys.argv[1]) if len(sys.argv) > 1 else 1
signal.signal(signal.SIGCHLD, child_ended)
subprocess.run(["true"])
for number in range(children):
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(number)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
for _ in range(children):
    pid, status = os.wait()
    say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")
while True:
    signal.pause()
