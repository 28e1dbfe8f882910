# diagnosis: output-wrong
# The parent can count by itself, it only has to be told when to go on.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    for _ in range(1, count + 1):
        os.write(w, b".")
        time.sleep(interval)
    os.close(w)
    os._exit(0)
os.close(w)
number = 0
while os.read(r, 1):
    number += 1
    print("received :", number, flush=True)
os.close(r)
print("close.", flush=True)
os.waitpid(pid, 0)
