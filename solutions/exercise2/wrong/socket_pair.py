# diagnosis: no-pipe
# A pair of sockets is a pipe too.
import os
import socket
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

ours, theirs = socket.socketpair()
pid = os.fork()
if pid == 0:
    ours.close()
    for n in range(1, count + 1):
        theirs.sendall(f"{n}\n".encode())
        time.sleep(interval)
    theirs.close()
    os._exit(0)

theirs.close()
with ours, ours.makefile() as lines:
    for line in lines:
        print("received :", line.strip(), flush=True)
print("close.", flush=True)
os.waitpid(pid, 0)
