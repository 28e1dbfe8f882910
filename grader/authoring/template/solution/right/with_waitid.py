# waitid tells the code by itself; the child ends by sys.exit.
import os
import sys

code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
child = os.fork()
if not child:
    sys.exit(code)
ended = os.waitid(os.P_PID, child, os.WEXITED)
sys.stdout.write(f"the child ended with {ended.si_status}\n")
