# diagnosis: output-duplicated
# Printing once more at the end does no harm.
import os
import sys

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
