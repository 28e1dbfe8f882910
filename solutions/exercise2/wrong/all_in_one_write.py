# diagnosis: not-flushed
# The same numbers arrive if they are collected and sent together.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    numbers = []
    for n in range(1, count + 1):
        numbers.append(str(n))
        time.sleep(interval)
    with os.fdopen(w, "w") as out:
        for n in numbers:
            out.write(n + "\n")
    os._exit(0)
os.close(w)
with os.fdopen(r) as pipe:
    for line in pipe:
        print("received :", line.strip(), flush=True)
print("close.", flush=True)
os.waitpid(pid, 0)
