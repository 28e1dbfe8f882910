# diagnosis: busy-wait
# Looking at the clock is waiting.
import os
import signal
import time


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, handler)
start = time.time()
while time.time() >= start:
    time.sleep(0)
