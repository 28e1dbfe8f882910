# diagnosis: not-paced
# The interval is always half a second.
import os, sys, time
count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = 0.5
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    for i in range(1, count + 1):
        os.write(w, f"{i}\n".encode())
        time.sleep(interval)
    os.close(w)
    os._exit(0)
os.close(w)
with os.fdopen(r) as f:
    for line in f:
        print("received :", line.strip(), flush=True)
print("close.", flush=True)
os.waitpid(pid, 0)
