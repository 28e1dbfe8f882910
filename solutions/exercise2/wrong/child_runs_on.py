# diagnosis: child-escaped, uncaught-exception
# After its work the child is done, and the rest of the file is not for it.
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
else:
    os.close(w)
    for line in os.fdopen(r):
        print("received :", line.strip())
print("close.")
os.waitpid(pid, 0)
