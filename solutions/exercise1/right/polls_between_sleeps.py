# Asks whether the child has ended, and sleeps in between.
import os, time
pid = os.fork()
if pid == 0:
    time.sleep(0.3)
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    os.sys.exit(0)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while True:
    got, status = os.waitpid(pid, os.WNOHANG)
    if got:
        break
    time.sleep(0.1)
