# os.read and os.write only: the reader finds the lines in the bytes by itself.
import os
import sys
import time

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10
INTERVAL = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    for n in range(1, COUNT + 1):
        os.write(w, b"%d\n" % n)
        time.sleep(INTERVAL)
    os.close(w)
    os._exit(0)

os.close(w)
rest = b""
while True:
    data = os.read(r, 100)
    if not data:
        break
    *lines, rest = (rest + data).split(b"\n")
    for line in lines:
        print("received : " + line.decode(), flush=True)
os.close(r)
print("close.", flush=True)
os.waitpid(pid, 0)
