# diagnosis: wrong-pid
# A process keeps its pid, so it is enough to ask for it once at the start.
import os

me = os.getpid()
pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {me}, parent id = {os.getppid()}")
else:
    print(f"this is parent, pid = {me}, child id = {pid}")
    os.waitpid(pid, 0)
