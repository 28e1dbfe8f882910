# diagnosis: signals-merged
# It gives each child time to end before the next is forked, and a machine may need more.
import os
import signal
import sys
import time


def say(text):
    os.write(1, f"{text}\n".encode())


def child_ended(number, frame):
    pid, status = os.wait()
    say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")


children = int(sys.argv[1]) if len(sys.argv) > 1 else 1
signal.signal(signal.SIGCHLD, child_ended)
for number in range(children):
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(number)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    time.sleep(0.1)
while True:
    signal.pause()
