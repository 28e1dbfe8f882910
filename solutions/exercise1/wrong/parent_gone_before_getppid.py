# diagnosis: orphan-left
# The parent's pid stays the same, so there is no hurry to ask for it.
import os
import sys
import time

pid = os.fork()
if pid == 0:
    time.sleep(0.5)
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
