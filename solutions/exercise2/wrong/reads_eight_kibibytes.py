# diagnosis: output-wrong
# The size of a buffer of Python's own is safe, and lines fit in.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    for number in range(1, count + 1):
        os.write(w, b"%d\n" % number)
        time.sleep(interval)
    os.close(w)
    os._exit(0)
os.close(w)
while data := os.read(r, 8192):
    for number in data.decode().split():
        print("received :", number, flush=True)
print("close.", flush=True)
os.close(r)
os.waitpid(pid, 0)
