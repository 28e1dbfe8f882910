# diagnosis: handler-reenters
# Ignored is not put off: who presses Ctrl + C in the midst of the line gets none.
import os
import signal


def interrupted(number, frame):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.write(1, b"Ctrl + C\n")
    signal.signal(signal.SIGINT, interrupted)


signal.signal(signal.SIGINT, interrupted)
while True:
    signal.pause()
