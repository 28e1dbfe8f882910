# diagnosis: child-escaped, orphan-left, zombie-left
# fork returns 0 in the parent, which is the first process.
import os

pid = os.fork()
if pid == 0:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass
else:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
