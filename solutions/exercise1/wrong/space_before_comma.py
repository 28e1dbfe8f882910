# diagnosis: output-wrong
# print puts its arguments next to each other.
import os
import sys

pid = os.fork()
if pid == 0:
    print("this is child, pid =", os.getpid(), ", parent id =", os.getppid())
    sys.exit(0)
print("this is parent, pid =", os.getpid(), ", child id =", pid)
os.waitpid(pid, 0)
