# The handler collects, a thread prints.
import os
import signal
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child(i):
    say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    os._exit(i)


import queue
import threading
q = queue.SimpleQueue()


def printer():
    while True:
        say(q.get())


def reap(number, frame):
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        q.put(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")


n = int(sys.argv[1]) if len(sys.argv) > 1 else 1
signal.signal(signal.SIGCHLD, reap)
for i in range(n):
    pid = os.fork()
    if pid == 0:
        child(i)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
threading.Thread(target=printer, daemon=True).start()
while True:
    signal.pause()
