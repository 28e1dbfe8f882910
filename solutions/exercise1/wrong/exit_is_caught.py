# diagnosis: child-escaped
# sys.exit ends the process on the spot, whatever stands around it.
import os
import sys

pid = os.fork()
try:
    if pid == 0:
        print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        sys.exit(0)
except BaseException:  # no ugly tracebacks
    print("something went wrong")

print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
if pid > 0:
    os.waitpid(pid, 0)
