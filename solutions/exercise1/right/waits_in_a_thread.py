# A second thread of the parent does the waiting; Python joins it before it ends.
import os
import sys
import threading


def collect(pid):
    _, status = os.waitpid(pid, 0)
    if status != 0:
        print("the child failed", file=sys.stderr)


pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)

threading.Thread(target=collect, args=(pid,)).start()
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
