# Prints more than was asked, at times that do no harm.
import os
import sys

print("about to fork", flush=True)
pid = os.fork()
if pid == 0:
    print("hello from the new process")
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    print()
    sys.exit(0)
print("forked", pid)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}   ")
done, status = os.waitpid(pid, 0)
print("collected", done, "with", status, file=sys.stderr)
