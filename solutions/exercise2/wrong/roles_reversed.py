# diagnosis: child-escaped, output-missing, no-pipe
# fork returns 0 in the parent and the child's pid in the child.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

r, w = os.pipe()
pid = os.fork()
if pid != 0:
    # the child
    os.close(r)
    with os.fdopen(w, "w") as out:
        for n in range(1, count + 1):
            print(n, file=out, flush=True)
            time.sleep(interval)
    os.wait()
else:
    # the parent
    os.close(w)
    with os.fdopen(r) as pipe:
        for line in pipe:
            print("received :", line.strip(), flush=True)
    print("close.", flush=True)
