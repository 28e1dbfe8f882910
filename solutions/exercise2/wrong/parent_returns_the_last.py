# diagnosis: wrong-exit-code
# The program gives its result, the last number, back with sys.exit.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

last = 0
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    for n in range(1, count + 1):
        os.write(w, f"{n}\n".encode())
        time.sleep(interval)
    os.close(w)
    os._exit(0)
os.close(w)
with os.fdopen(r) as pipe:
    for line in pipe:
        last = int(line)
        print("received :", last, flush=True)
print("close.", flush=True)
os.waitpid(pid, 0)
sys.exit(last)
