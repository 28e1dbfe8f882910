# diagnosis: extra-children, uncaught-exception, child-escaped, orphan-left, zombie-left
# fork tells the pid of the child each time it is called.
import os

if os.fork() == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {os.fork()}")
    os.wait()
