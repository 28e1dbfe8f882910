# diagnosis: output-wrong
# The wording is not important as long as the numbers are there.
import os
import sys

pid = os.fork()
if pid == 0:
    print(f"This is the child: pid {os.getpid()}, parent {os.getppid()}")
    sys.exit(0)
print(f"This is the parent: pid {os.getpid()}, child {pid}")
os.waitpid(pid, 0)
