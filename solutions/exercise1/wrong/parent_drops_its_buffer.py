# diagnosis: unflushed-exit
# After a fork every process has to end with os._exit, the parent too.
import os
import sys

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.stdout.flush()
    os._exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
os._exit(0)
