# diagnosis: zombie-left, orphan-left
# If the parent gives the child enough time, it need not wait for it.
import os
import time

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    time.sleep(1)
