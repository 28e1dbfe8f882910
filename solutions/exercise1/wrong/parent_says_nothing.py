# diagnosis: output-missing
# Only the child is to print.
import os
import sys

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
os.waitpid(pid, 0)
