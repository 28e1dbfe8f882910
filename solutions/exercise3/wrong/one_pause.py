# diagnosis: ended-early
# pause waits until the program is ended.
import os
import signal


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, handler)
signal.pause()
