# diagnosis: extra-children, child-escaped, zombie-left, orphan-left
# With a double fork there can be no zombie, so that is the clean way to do it.
import os
import sys

pid = os.fork()
if pid == 0:
    if os.fork() != 0:
        sys.exit(0)
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
