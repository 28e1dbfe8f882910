# diagnosis: uncaught-exception, zombie-left
# Ignoring SIGCHLD avoids zombies, and waitpid still tells how the child ended.
import os
import signal
import sys

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
