# diagnosis: output-wrong
# The status that waitpid returns is the exit code.
import os
import sys

code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
pid = os.fork()
if pid == 0:
    os._exit(code)
_, status = os.waitpid(pid, 0)
print("the child ended with", status)
