# diagnosis: uncaught-exception
# The child can use what the parent has worked out, since both are the same program.
import os
import sys

pid = os.fork()
if pid > 0:
    me = os.getpid()
    print(f"this is parent, pid = {me}, child id = {pid}")
    os.waitpid(pid, 0)
else:
    print(f"this is child, pid = {os.getpid()}, parent id = {me}")
    sys.exit(0)
