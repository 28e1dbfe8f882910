# diagnosis: child-escaped
# What the parent has registered for its end is run by the parent only.
import atexit
import os
import sys


def report():
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")


atexit.register(report)
pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
os.waitpid(pid, 0)
