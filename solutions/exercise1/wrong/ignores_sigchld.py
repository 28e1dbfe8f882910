# diagnosis: zombie-left, orphan-left
# Ignoring SIGCHLD is as good as waiting: the kernel collects the child.
import os
import signal
import sys
import time

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
time.sleep(1)
