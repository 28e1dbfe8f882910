# diagnosis: zombie-left, orphan-left
# The kernel cleans up after the child, so there is nothing to do for the parent.
import os

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
