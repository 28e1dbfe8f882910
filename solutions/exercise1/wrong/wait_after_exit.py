# diagnosis: orphan-left, zombie-left
# sys.exit only marks the end; what stands below it still belongs to the program.
import os
import sys


def child():
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)


def parent(pid):
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    sys.exit(0)
    os.waitpid(pid, 0)


pid = os.fork()
if pid == 0:
    child()
else:
    parent(pid)
