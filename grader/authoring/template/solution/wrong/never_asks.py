# diagnosis: orphan-left
# The parent knows the code already, so it need not ask for it.
import os
import sys

code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
if os.fork() == 0:
    os._exit(code)
print("the child ended with", code)
