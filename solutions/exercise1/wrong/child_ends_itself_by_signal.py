# diagnosis: killed-by-signal
# A process ends itself by sending itself SIGTERM.
import os
import signal

pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
os.waitpid(pid, 0)
