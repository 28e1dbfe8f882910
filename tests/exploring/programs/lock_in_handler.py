"""A lock that the handler takes keeps the second signal's handler waiting for ever."""

import os
import signal
import threading
import time

collected = 0
lock = threading.Lock()


def collect(number: int, frame: object) -> None:
    """Collect all that have ended, one call of it at a time."""
    global collected
    with lock:
        while collected < 5 and os.waitpid(-1, os.WNOHANG)[0]:
            collected += 1


signal.signal(signal.SIGCHLD, collect)
for code in range(5):
    if os.fork() == 0:
        os._exit(code)
while collected < 5:
    time.sleep(0.1)
