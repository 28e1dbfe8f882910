# diagnosis: child-escaped, uncaught-exception, output-wrong
# fork returns to each process its own pid, so the child finds itself by comparing.
import os
import sys

pid = os.fork()
if pid == os.getpid():
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
