# diagnosis: signal-ignored, never-ends
# One handler for all signals is simplest.
import os
import signal


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")


for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, handler)
while True:
    signal.pause()
