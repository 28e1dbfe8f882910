# diagnosis: busy-wait
# Counting keeps the program alive.
import os
import signal


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, handler)
n = 0
while True:
    n += 1
