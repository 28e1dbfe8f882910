"""The parent waits first where the child was quick: it may still have to write."""

import os

read_end, write_end = os.pipe()
ready, tell = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(read_end)
    os.close(ready)
    os.write(tell, b"!")
    os.close(tell)
    os.write(write_end, bytes(100_000))  # more than a pipe holds
    os.close(write_end)
    os._exit(0)
os.close(write_end)
os.close(tell)
os.set_blocking(ready, False)
try:
    quick = os.read(ready, 1) == b"!"
except BlockingIOError:
    quick = False
if quick:
    os.waitpid(pid, 0)
while os.read(read_end, 4096):
    pass
os.close(read_end)
os.close(ready)
if not quick:
    os.waitpid(pid, 0)
