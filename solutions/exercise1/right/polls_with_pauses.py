# Waits without blocking, asking again after short sleeps.
import os
import sys
import time

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit()
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        time.sleep(0.01)
