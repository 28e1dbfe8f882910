# diagnosis: uncaught-exception
# os.fork is the pid of the new process.
import os
import sys

pid = os.fork
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.wait()
