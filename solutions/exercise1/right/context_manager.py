# The with statement collects the child, whatever happens inside it.
import os
import sys
from contextlib import contextmanager


@contextmanager
def forked(target):
    pid = os.fork()
    if pid == 0:
        target()
        sys.stdout.flush()
        os._exit(os.EX_OK)
    try:
        yield pid
    finally:
        os.waitpid(pid, 0)


def child():
    line = "this is child, pid = {}, parent id = {}"
    print(line.format(os.getpid(), os.getppid()))


with forked(child) as child_pid:
    line = "this is parent, pid = {}, child id = {}"
    print(line.format(os.getpid(), child_pid))
