# diagnosis: uncaught-exception
# Waiting a second time does no harm, and makes sure of it.
import os
import sys


def run():
    pid = os.fork()
    if pid == 0:
        print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        sys.exit(0)
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    os.waitpid(pid, 0)
    return pid


os.waitpid(run(), 0)
