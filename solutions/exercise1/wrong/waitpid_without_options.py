# diagnosis: uncaught-exception, zombie-left, orphan-left
# waitpid needs nothing but the pid; the options are optional.
import os
import sys

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid)
