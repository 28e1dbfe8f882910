# diagnosis: output-missing
# When the writer has hung up, nothing is left to read.
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
    for number in range(1, count + 1):
        os.write(w, f"{number}\n".encode())
        time.sleep(interval)
    os._exit(0)
os.close(w)
poll = select.poll()
poll.register(r, select.POLLIN)
rest = b""
while True:
    ((_, happened),) = poll.poll()
    if happened & select.POLLHUP:
        break
    *lines, rest = (rest + os.read(r, 4096)).split(b"\n")
    for line in lines:
        print("received :", line.decode(), flush=True)
print("close.", flush=True)
os.waitpid(pid, 0)
