# diagnosis: child-escaped
# The parent knows both numbers, so it can print both lines.
import os

pid = os.fork()
if pid == 0:
    os._exit(0)
print(f"this is child, pid = {pid}, parent id = {os.getpid()}")
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
