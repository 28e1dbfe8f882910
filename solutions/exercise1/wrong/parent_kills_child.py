# diagnosis: killed-by-signal, output-missing
# A child has to be ended by its parent.
import os
import signal
import time

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}", flush=True)
    time.sleep(60)
    os._exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
time.sleep(1)
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
