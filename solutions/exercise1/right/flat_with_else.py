# No functions, no exits: each branch simply comes to the end of the program.
import os

pid = os.fork()
if pid == 0:
    print("this is child, pid = %d, parent id = %d" % (os.getpid(), os.getppid()))
else:
    print("this is parent, pid = %d, child id = %d" % (os.getpid(), pid))
    os.wait()
