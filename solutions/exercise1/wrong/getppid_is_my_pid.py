# diagnosis: wrong-pid
# getppid is short for "get process pid", and getpid is the pid that fork gave.
import os
import sys

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getppid()}, parent id = {os.getpid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
