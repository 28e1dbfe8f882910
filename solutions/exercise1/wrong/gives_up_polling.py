# diagnosis: orphan-left
# A child that prints one line is done within half a second at the very most.
import os
import sys
import time

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
for _ in range(50):
    done, status = os.waitpid(pid, os.WNOHANG)
    if done == pid:
        break
    time.sleep(0.01)
