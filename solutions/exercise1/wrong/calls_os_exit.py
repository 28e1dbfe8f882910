# diagnosis: uncaught-exception
# The child's exit function is called os.exit.
import os

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    os.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
