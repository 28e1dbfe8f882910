# promise: a bomb of daemons is one as well
# expect: too-many-processes
import os
import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        os.setsid()
        os.umask(0)
