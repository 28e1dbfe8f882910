# diagnosis: ended-early
# After three times the user means it.
import os
import signal
import sys

times = 0


def handler(number, frame):
    global times
    times += 1
    os.write(1, b"Ctrl + C\n")
    if times == 3:
        sys.exit(0)


signal.signal(signal.SIGINT, handler)
while True:
    signal.pause()
