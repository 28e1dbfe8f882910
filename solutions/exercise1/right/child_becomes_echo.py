# The child replaces itself with echo, which prints the line and keeps the pid.
import os
import sys

pid = os.fork()
if pid == 0:
    line = f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}"
    try:
        os.execlp("echo", "echo", line)
    except OSError as error:
        print("exec failed:", error, file=sys.stderr)
        sys.exit(127)

print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
pid, status, usage = os.wait4(pid, 0)
