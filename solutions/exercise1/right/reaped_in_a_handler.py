# SIGCHLD tells the parent when to collect; it sleeps until then.
import os
import signal

ended = []


def collect(number, frame):
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        ended.append(pid)


signal.signal(signal.SIGCHLD, collect)
pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}", flush=True)
    os._exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while pid not in ended:
    signal.sigtimedwait([], 1)
