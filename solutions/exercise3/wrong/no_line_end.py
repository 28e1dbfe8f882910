# diagnosis: output-wrong
# The terminal begins a new line by itself.
import os
import signal


def handler(number, frame):
    os.write(1, b"Ctrl + C")


signal.signal(signal.SIGINT, handler)
while True:
    signal.pause()
