# diagnosis: handler-reenters
# A lock keeps the handler from being entered twice.
import os
import signal
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child(i):
    say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    os._exit(i)


import threading
lock = threading.Lock()


def reap(number, frame):
    with lock:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            say(f"Child {pid} Finish, status = {os.WEXITSTATUS(status)}")


n = int(sys.argv[1]) if len(sys.argv) > 1 else 1
signal.signal(signal.SIGCHLD, reap)
for i in range(n):
    pid = os.fork()
    if pid == 0:
        child(i)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while True:
    signal.pause()
