# promise: the end of a run, in the midst of everything, leaves nobody
import os
import signal
import threading
import time


def busy():
    while True:
        if os.fork() == 0:
            time.sleep(0.0001)
            os._exit(0)
        os.waitpid(-1, os.WNOHANG)


signal.signal(signal.SIGTERM, lambda *_: os.fork())
for _ in range(2):
    threading.Thread(target=busy, daemon=True).start()
time.sleep(0.02)
os._exit(0)
