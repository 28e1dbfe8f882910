# diagnosis: zombie-left
# A child is collected when its signal is handled.
import os
import signal
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child_ended(number, frame):
    say("a child has ended")


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
