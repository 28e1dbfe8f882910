# diagnosis: orphan-left
# waitpid with WNOHANG is the modern way to collect a child.
import os

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    os.waitpid(pid, os.WNOHANG)
