# diagnosis: ended-early
# Ctrl+C means that the program is to end, after a message.
import os
import signal
import sys


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")
    sys.exit(0)


signal.signal(signal.SIGINT, handler)
while True:
    signal.pause()
