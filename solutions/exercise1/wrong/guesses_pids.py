# diagnosis: wrong-pid
# The child's pid is the next number.
import os
pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getpid() - 1}", flush=True)
    os._exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {os.getpid() + 1}", flush=True)
os.waitpid(pid, 0)
