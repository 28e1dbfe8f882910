# diagnosis: no-pipe, output-missing
# What was written is sent when the process ends, however it ends.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    pipe = os.fdopen(w, "w")
    for n in range(1, count + 1):
        pipe.write(f"{n}\n")
        time.sleep(interval)
    os._exit(0)
os.close(w)
for line in os.fdopen(r):
    print("received :", line.strip())
print("close.")
os.waitpid(pid, 0)
