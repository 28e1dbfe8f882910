# Rests in poll on the descriptor that signals are written to.
import os
import signal
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child(i):
    say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    os._exit(i)


def reap(number, frame):
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")


import select
n = int(sys.argv[1]) if len(sys.argv) > 1 else 1
signal.signal(signal.SIGCHLD, reap)
for i in range(n):
    pid = os.fork()
    if pid == 0:
        child(i)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
r, w = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(w)
while True:
    select.select([r], [], [])
    os.read(r, 100)
