# promise: nobody joins the group of the process that it was forked from
import os
import signal

try:
    os.setpgid(0, os.getpgid(os.getppid()))
    print("LOOT joined", flush=True)
    os.kill(0, signal.SIGKILL)
except PermissionError:
    pass
