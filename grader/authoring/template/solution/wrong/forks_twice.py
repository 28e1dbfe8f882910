# diagnosis: extra-children
# To ask in an `if` whether this is the child, fork is called once more.
import os
import sys

code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
pid = os.fork()
if pid == 0:
    os._exit(code)
if os.fork() == 0:
    os._exit(code)
os.wait()
_, status = os.wait()
print("the child ended with", os.waitstatus_to_exitcode(status))
