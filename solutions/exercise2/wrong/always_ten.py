# diagnosis: output-wrong, output-missing, no-pipe
# Ten numbers were asked, so ten are sent.
import os
import sys
import time

interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    for n in range(1, 11):
        os.write(w, f"{n}\n".encode())
        time.sleep(interval)
    os.close(w)
    os._exit(0)
os.close(w)
for line in os.fdopen(r):
    print("received :", line.strip())
print("close.")
os.waitpid(pid, 0)
