# diagnosis: not-flushed
# sys.stdout.flush() flushes everything that the process has written.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    out = os.fdopen(w, "w")
    for n in range(1, count + 1):
        out.write(str(n) + "\n")
        sys.stdout.flush()
        time.sleep(interval)
    out.close()
    os._exit(0)
os.close(w)
reader = os.fdopen(r)
for line in reader:
    print("received :", line.strip())
    sys.stdout.flush()
reader.close()
print("close.")
os.waitpid(pid, 0)
