# diagnosis: busy-wait
# A read must not block, so the parent asks until there is something.
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
os.set_blocking(r, False)
rest = b""
while True:
    try:
        data = os.read(r, 1024)
    except BlockingIOError:
        continue
    if not data:
        break
    *lines, rest = (rest + data).split(b"\n")
    for line in lines:
        print("received :", line.decode(), flush=True)
os.close(r)
print("close.", flush=True)
os.waitpid(pid, 0)
