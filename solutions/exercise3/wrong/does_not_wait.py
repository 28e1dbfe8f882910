# diagnosis: ended-early
# The handler keeps the program alive.
import os
import signal


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, handler)
