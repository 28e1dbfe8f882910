# diagnosis: output-wrong
# A hundred bytes at a time, of which the last line may go on in the next hundred.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

r, w = os.pipe()
child = os.fork()
if child == 0:
    os.close(r)
    with os.fdopen(w, "w") as pipe:
        for number in range(1, count + 1):
            print(number, file=pipe, flush=True)
            time.sleep(interval)
    os._exit(0)
os.close(w)
with os.fdopen(r, "rb", buffering=0) as pipe:
    while part := pipe.read(100):
        for line in part.splitlines():
            print(f"received : {line.decode()}", flush=True)
print("close.", flush=True)
os.waitpid(child, 0)
