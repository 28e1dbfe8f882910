# diagnosis: extra-children, unflushed-fork
# A line that print has printed belongs to the past, so fork cannot repeat it.
import os
import sys

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    helper = os.fork()  # does the rest of the child's work
    if helper != 0:
        os.waitpid(helper, 0)
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
