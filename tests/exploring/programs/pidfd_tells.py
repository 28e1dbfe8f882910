"""What a pidfd tells can be collected at once, pidfd_open(2)."""

import os
import select

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    os.write(w, b"done\n")
    os._exit(0)
os.close(w)
while os.read(r, 100):
    pass
ended = os.pidfd_open(pid)
select.select([ended], [], [])
if os.waitid(os.P_PIDFD, ended, os.WEXITED | os.WNOHANG) is None:
    raise SystemExit("it has not ended")
