# promise: a daemon in a session of its own does not outlive its run
# points: forks-one-child
import os
import signal
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(3600)
    os._exit(0)
os.wait()
