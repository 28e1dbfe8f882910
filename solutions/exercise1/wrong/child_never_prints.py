# diagnosis: output-missing
# Only the parent has a terminal to print on.
import os

pid = os.fork()
if pid == 0:
    os._exit(0)  # nothing to say
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
