# diagnosis: uncaught-exception, orphan-left, zombie-left
# The child is the one that waits: it may not end before its parent.
import os

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    os.waitpid(os.getppid(), 0)
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
