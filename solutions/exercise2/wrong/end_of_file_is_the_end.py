# diagnosis: orphan-left
# The pipe is closed by the child's end, so the child has ended at end of file.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    for n in range(1, count + 1):
        os.write(w, f"{n}\n".encode())
        time.sleep(interval)
    os._exit(0)
os.close(w)
with os.fdopen(r) as pipe:
    for line in pipe:
        print("received :", line.strip(), flush=True)
print("close.", flush=True)
os.waitpid(pid, os.WNOHANG)
