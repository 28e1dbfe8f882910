# diagnosis: extra-children, child-escaped
# One fork for each line that is to be printed.
import os
import sys

first = os.fork()
if first == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
second = os.fork()
if second == 0:
    print(f"this is parent, pid = {os.getppid()}, child id = {first}")
    sys.exit(0)
os.waitpid(first, 0)
os.waitpid(second, 0)
