# diagnosis: wrong-pid
# What fork returned in the child is the child's pid.
import os

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {pid}, parent id = {os.getppid()}")
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    os.waitpid(pid, 0)
