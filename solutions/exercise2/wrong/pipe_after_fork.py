# diagnosis: no-pipe, output-missing, deadlock
# Both processes call os.pipe and so get the same pipe.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
pid = os.fork()
r, w = os.pipe()
if pid == 0:
    for n in range(1, count + 1):
        os.write(w, f"{n}\n".encode())
        time.sleep(interval)
    os.close(w)
    os._exit(0)
os.close(w)
for line in os.fdopen(r):
    print("received :", line.strip())
print("close.")
os.waitpid(pid, 0)
