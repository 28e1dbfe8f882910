# diagnosis: lines-mixed
# Whoever prints next goes on in the child's line.
import os
import sys

pid = os.fork()
if pid == 0:
    sys.stdout.write(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
os.waitpid(pid, 0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
