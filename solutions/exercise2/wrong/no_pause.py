# diagnosis: not-paced
# The interval is only for show.
import os
import sys

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    for n in range(1, count + 1):
        os.write(w, f"{n}\n".encode())
    os.close(w)
    os._exit(0)
os.close(w)
for line in os.fdopen(r):
    print("received :", line.strip())
print("close.")
os.waitpid(pid, 0)
