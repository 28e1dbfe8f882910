# diagnosis: handler-reenters
# Two writes, one right after the other, are as good as one.
import os
import signal


def interrupted(number, frame):
    os.write(1, b"Ctrl + C")
    os.write(1, b"\n")


signal.signal(signal.SIGINT, interrupted)
while True:
    signal.pause()
