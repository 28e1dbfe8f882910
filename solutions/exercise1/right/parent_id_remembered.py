# The child knows its parent's pid from before the fork; fork may fail; parent first.
import os
import sys

parent_pid = os.getpid()

try:
    child_pid = os.fork()
except OSError as error:
    print("fork failed:", error, file=sys.stderr)
    sys.exit(1)

if child_pid > 0:
    print("this is parent, pid = " + str(parent_pid) + ", child id = " + str(child_pid))
    os.waitpid(child_pid, 0)
    sys.exit(0)

print("this is child, pid = " + str(os.getpid()) + ", parent id = " + str(parent_pid))
