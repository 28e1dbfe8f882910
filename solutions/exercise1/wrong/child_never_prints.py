# diagnosis: output-missing
# Only the parent has a terminal to print on.
import os

pid = os.fork()
if pid == 0:
    line = f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}"
    os._exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
