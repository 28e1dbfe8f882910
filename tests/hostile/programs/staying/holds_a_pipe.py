# promise: a pipe that is never read and never closed holds nobody up
# points: forks-one-child
import os

r, w = os.pipe()
if os.fork() == 0:
    os.write(w, b"x" * (1 << 20))
    os._exit(0)
os.read(0, 1)
