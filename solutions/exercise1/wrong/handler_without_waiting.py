# diagnosis: orphan-left
# With a handler for SIGCHLD the child is collected whenever it ends.
import os
import signal
import sys


def collect(signum, frame):
    os.wait()


signal.signal(signal.SIGCHLD, collect)
pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
