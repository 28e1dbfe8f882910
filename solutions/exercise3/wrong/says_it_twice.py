# diagnosis: output-duplicated
# The terminal shows ^C only, so the line is printed before and after.
import os
import signal


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, handler)
while True:
    signal.pause()
