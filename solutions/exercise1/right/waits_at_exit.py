# The parent registers the wait right after the fork; it runs when the parent ends.
import atexit
import os

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
else:
    atexit.register(os.waitpid, pid, 0)
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
