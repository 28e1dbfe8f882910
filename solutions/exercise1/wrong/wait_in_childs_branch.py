# diagnosis: zombie-left, orphan-left
# wait belongs to the child's branch, because it is about the child.
import os

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    try:
        os.wait()
    except ChildProcessError:
        pass  # nothing to wait for any more
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
