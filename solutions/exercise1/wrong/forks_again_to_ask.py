# diagnosis: extra-children
# fork has to be called in each condition that asks what it returned.
import os

if os.fork() == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}", flush=True)
    os._exit(0)
elif (pid := os.fork()) > 0:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}", flush=True)
    os.wait()
    os.wait()
