# diagnosis: wrong-exit-code
# sys.exit takes a last message, and the status stays 0.
import os
import sys

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit("child is done")
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
