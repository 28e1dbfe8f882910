# A match statement on what fork returned; waitid instead of waitpid.
import os
import sys

match os.fork():
    case 0:
        me, mother = os.getpid(), os.getppid()
        sys.stdout.write(f"this is child, pid = {me}, parent id = {mother}\n")
    case child:
        sys.stdout.write(f"this is parent, pid = {os.getpid()}, child id = {child}\n")
        os.waitid(os.P_PID, child, os.WEXITED)
