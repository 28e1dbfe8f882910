# diagnosis: child-escaped
# The code after the if belongs to the parent, because the parent is the main program.
import os

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
if pid != 0:
    os.waitpid(pid, 0)
