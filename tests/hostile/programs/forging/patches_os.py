# promise: patched functions of os make no child
# expect: no-child
import builtins
import os
import sys

child = os.getpid() + 1
os.fork = lambda: child
os.wait = lambda: (child, 0)
os.waitpid = lambda pid, options: (child, 0)
builtins.isinstance = lambda value, kind: True
sys.exit = lambda status=0: None
pid = os.fork()
print(f"this is child, pid = {pid}, parent id = {os.getpid()}")
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
