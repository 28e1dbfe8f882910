# diagnosis: extra-children, child-escaped, unflushed-fork
# Only the parent goes round the loop; the child has its own branch.
import os

for _ in range(3):  # fork may fail, so try it more than once
    pid = os.fork()
    if pid == 0:
        print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    else:
        print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
        os.waitpid(pid, 0)
        break
