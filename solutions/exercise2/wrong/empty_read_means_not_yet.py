# diagnosis: never-ends, output-missing, output-wrong
# An empty read says that there is nothing yet, so the parent tries again.
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
    os.close(w)
    os._exit(0)
os.close(w)
pipe = os.fdopen(r)
while True:
    line = pipe.readline()
    if not line:
        continue
    print("received :", line.strip())
