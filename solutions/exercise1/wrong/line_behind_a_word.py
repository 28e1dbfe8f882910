# diagnosis: lines-mixed
# The child's word has no end, so that the parent's line stands behind it.
import os

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    print("done.", end="", flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
