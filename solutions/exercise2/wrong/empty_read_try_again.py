# diagnosis: never-ends, output-missing
# os.read gives b"" when the child has not written yet: rest a little, read again.
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
rest = b""
try:
    while True:
        data = os.read(r, 1024)
        if data == b"":
            time.sleep(0.05)
            continue
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            print("received :", line.decode(), flush=True)
except OSError:  # no pipe any more
    print("close.", flush=True)
    os.close(r)
    os.waitpid(pid, 0)
