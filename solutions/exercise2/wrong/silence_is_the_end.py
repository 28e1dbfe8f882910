# diagnosis: stopped-by-count, output-missing
# A number comes every INTERVAL; when none came in that time, it is over.
import os
import select
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    try:
        for n in range(1, count + 1):
            os.write(w, f"{n}\n".encode())
            time.sleep(interval)
    except BrokenPipeError:
        pass
    os.close(w)
    os._exit(0)
os.close(w)
rest = b""
while select.select([r], [], [], interval)[0]:
    data = os.read(r, 1024)
    if not data:
        break
    *lines, rest = (rest + data).split(b"\n")
    for line in lines:
        print("received :", line.decode(), flush=True)
os.close(r)
print("close.", flush=True)
os.waitpid(pid, 0)
