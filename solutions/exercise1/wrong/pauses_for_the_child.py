# diagnosis: never-ends
# pause returns when the child ends, because the parent gets SIGCHLD then.
import os
import signal
import sys

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}", flush=True)
signal.pause()
os.waitpid(pid, 0)
