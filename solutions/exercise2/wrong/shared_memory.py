# diagnosis: no-pipe
# Shared memory brings the numbers to the parent as well as a pipe does.
import mmap
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

memory = mmap.mmap(-1, 8)  # anonymous, so parent and child share it
pid = os.fork()
if pid == 0:
    for n in range(1, count + 1):
        memory[:] = n.to_bytes(8, "little")
        time.sleep(interval)
    os._exit(0)

printed = 0
ended = False
while True:
    last = int.from_bytes(memory[:], "little")
    while printed < last:
        printed += 1
        print("received :", printed, flush=True)
    if ended:
        break
    ended = os.waitpid(pid, os.WNOHANG) != (0, 0)
    time.sleep(0.02)
print("close.", flush=True)
