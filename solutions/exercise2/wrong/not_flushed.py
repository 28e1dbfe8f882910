# diagnosis: not-flushed
# write sends.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    with os.fdopen(w, "w") as pipe:
        for n in range(1, count + 1):
            pipe.write(f"{n}\n")
            time.sleep(interval)
    sys.exit(0)
os.close(w)
for line in os.fdopen(r):
    print("received :", line.strip())
print("close.")
os.waitpid(pid, 0)
