# diagnosis: output-wrong
# wait returns the pid of the child that has ended.
import os
import sys

if os.fork() == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
child = os.wait()
print(f"this is parent, pid = {os.getpid()}, child id = {child}")
