# diagnosis: orphan-left, zombie-left
# A thread in the background waits for the child, so the parent need not.
import os
import sys
import threading

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
threading.Thread(target=os.waitpid, args=(pid, 0), daemon=True).start()
