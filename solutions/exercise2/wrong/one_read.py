# diagnosis: output-missing, stopped-by-count
# One read returns all that was sent.
import os
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
    os._exit(0)
os.close(w)
for number in os.read(r, 100_000).decode().split():
    print("received :", number)
print("close.")
os.close(r)
os.waitpid(pid, 0)
