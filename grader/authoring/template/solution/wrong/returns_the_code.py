# diagnosis: wrong-exit-code
# What the child's function returns is its exit code.
import os
import sys


def child(code):
    return code


code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
pid = os.fork()
if pid == 0:
    child(code)
    sys.exit()
_, status = os.waitpid(pid, 0)
print("the child ended with", os.waitstatus_to_exitcode(status))
