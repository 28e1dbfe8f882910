# diagnosis: deadlock, write-end-open
# A duplicate is only a spare copy, it is enough to close the original.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

r, w = os.pipe()
spare = os.dup(w)  # in case it is needed again
pid = os.fork()
if pid == 0:
    os.close(r)
    os.close(spare)
    with os.fdopen(w, "w") as out:
        for n in range(1, count + 1):
            out.write(f"{n}\n")
            out.flush()
            time.sleep(interval)
    os._exit(0)

os.close(w)
with os.fdopen(r) as source:
    for line in source:
        print("received :", line.strip(), flush=True)
os.close(spare)
print("close.", flush=True)
os.waitpid(pid, 0)
