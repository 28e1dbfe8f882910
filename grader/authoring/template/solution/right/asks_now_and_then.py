# Asks whether the child has ended, sleeps in between, and takes the status apart.
import os
import sys
import time

code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
pid = os.fork()
if pid == 0:
    os._exit(code)
while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
    time.sleep(0.01)
print(f"the child ended with {os.WEXITSTATUS(ended[1])}")
