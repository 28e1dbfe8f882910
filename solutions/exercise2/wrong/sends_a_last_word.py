# diagnosis: stopped-by-count
# The reader has to be told when it is over: the writer sends a last word.
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
    os.write(w, b"0\n")
    time.sleep(interval)
    os._exit(0)
os.close(w)
pipe = os.fdopen(r)
while (line := pipe.readline().strip()) != "0":
    print("received :", line)
print("close.")
os.waitpid(pid, 0)
