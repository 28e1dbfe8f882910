# One process more, forked first, writes down what it is told, as long as there is one.
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


children = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log, tell = os.pipe()
writer = os.fork()
if writer == 0:
    os.close(tell)
    while line := os.read(log, 1000):
        os.write(2, line)
    os._exit(0)
os.close(log)
os.write(tell, b"the program begins\n")
signal.signal(signal.SIGCHLD, child_ended)
for number in range(children):
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(number)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while True:
    signal.pause()
