# diagnosis: wrong-pid
# The second thing that wait returns is the child.
import os
import sys

if os.fork() == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
_, child = os.wait()
print(f"this is parent, pid = {os.getpid()}, child id = {child}")
