# diagnosis: no-pipe
# Both processes have the file open, so one can write what the other reads.
import os
import sys
import tempfile
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

fd, path = tempfile.mkstemp()
os.unlink(path)
pid = os.fork()
if pid == 0:
    for n in range(1, count + 1):
        os.write(fd, f"{n}\n".encode())
        time.sleep(interval)
    os._exit(0)

position = 0
ended = False
while True:
    data = os.pread(fd, 4096, position)
    end = data.rfind(b"\n") + 1
    for line in data[:end].splitlines():
        print("received :", line.decode(), flush=True)
    position += end
    if end == 0 and ended:
        break
    if not ended:
        ended = os.waitpid(pid, os.WNOHANG) != (0, 0)
        time.sleep(0.02)
os.close(fd)
print("close.", flush=True)
