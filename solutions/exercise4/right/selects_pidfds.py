# The handler wakes nobody: a descriptor for each child does.
import os
import select
import signal
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child_ended(number, frame):
    pass


children = int(sys.argv[1]) if len(sys.argv) > 1 else 1
signal.signal(signal.SIGCHLD, child_ended)
waiting = {}
for number in range(children):
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(number)
    waiting[os.pidfd_open(pid)] = pid
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while waiting:
    for fd in select.select(list(waiting), [], [])[0]:
        pid, status = os.waitpid(waiting.pop(fd), 0)
        os.close(fd)
        say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")
while True:
    signal.pause()
