# A file object with a large buffer: what a read cuts, it puts together.
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
with os.fdopen(r, "rb", 20000) as lines:
    for line in lines:
        print("received :", int(line), flush=True)
print("close.", flush=True)
os.waitpid(pid, 0)
