# diagnosis: wrong-pid
# The child puts its pid into a variable, and the parent reads it there.
import os
import sys

child_id = 0

pid = os.fork()
if pid == 0:
    child_id = os.getpid()
    print(f"this is child, pid = {child_id}, parent id = {os.getppid()}")
    sys.exit(0)
os.waitpid(pid, 0)
print(f"this is parent, pid = {os.getpid()}, child id = {child_id}")
