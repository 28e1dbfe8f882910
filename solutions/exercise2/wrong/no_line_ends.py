# diagnosis: output-wrong, no-pipe
# Each read returns just what one write has sent, so no separator is needed.
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
        os.write(w, str(n).encode())
        time.sleep(interval)
    os.close(w)
    os._exit(0)
os.close(w)
while data := os.read(r, 1024):
    print("received :", data.decode(), flush=True)
os.close(r)
print("close.", flush=True)
os.waitpid(pid, 0)
