# promise: that it is watched can be seen, and helps nobody
# expect: no-child
import os

with open("/proc/self/status") as status:
    watched = "TracerPid:\t0" not in status.read()
if not watched:
    pid = os.fork()
    if pid == 0:
        print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(0)
    os.waitpid(pid, 0)
