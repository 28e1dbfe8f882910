# diagnosis: uncaught-exception, output-wrong
# A number is sent as a byte: bytes([n]).
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
        os.write(w, bytes([n]))
        time.sleep(interval)
    os.close(w)
    os._exit(0)
os.close(w)
while byte := os.read(r, 1):
    print("received :", byte[0], flush=True)
os.close(r)
print("close.", flush=True)
os.waitpid(pid, 0)
