# diagnosis: unflushed-fork, wrong-pid
# What is printed before the fork is out before the fork.
import os

print("this is parent, pid = %d, child id = %d" % (os.getpid(), os.getpid() + 1))
pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
else:
    os.waitpid(pid, 0)
