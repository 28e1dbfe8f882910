"""Takes end of file for the end of the child: its pipe is closed a moment before."""

import os

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    os.write(w, b"done\n")
    os._exit(0)
os.close(w)
while os.read(r, 100):
    pass
if os.waitpid(pid, os.WNOHANG) == (0, 0):
    raise SystemExit("it has not ended")
