# diagnosis: never-ends
# The child has to stay until the parent has collected it and lets it go.
import os
import signal
import sys


def let_go(signum, frame):
    pass


signal.signal(signal.SIGUSR1, let_go)
pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}", flush=True)
    signal.pause()
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}", flush=True)
os.waitpid(pid, 0)
os.kill(pid, signal.SIGUSR1)
