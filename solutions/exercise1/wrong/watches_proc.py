# diagnosis: never-ends
# A child that has ended is gone, so its directory in /proc goes away by itself.
import os
import sys
import time

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while os.path.exists(f"/proc/{pid}"):
    time.sleep(0.1)
os.waitpid(pid, 0)
