# diagnosis: zombie-left
# The handler knows all children from the list that the main program keeps.
import os
import signal
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child_ended(number, frame):
    for pid in list(running):
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
        if done:
            say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")


running = []
children = int(sys.argv[1]) if len(sys.argv) > 1 else 1
signal.signal(signal.SIGCHLD, child_ended)
for number in range(children):
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(number)
    running.append(pid)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while True:
    signal.pause()
