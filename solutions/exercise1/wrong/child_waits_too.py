# diagnosis: child-escaped, uncaught-exception
# Both processes should wait at the end, to be on the safe side.
import os

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.wait()
