# diagnosis: extra-children
# Two calls of fork make two processes.
import os
import sys

pid = os.fork()
again = os.fork()
if again == 0:
    sys.exit(0)
os.waitpid(again, 0)
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    os.waitpid(pid, 0)
