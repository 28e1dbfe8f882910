# diagnosis: handler-reenters
# A guard keeps the handler out of itself, and the interrupt that came then is lost.
import os
import signal

busy = False


def interrupted(number, frame):
    global busy
    if busy:
        return
    busy = True
    os.write(1, b"Ctrl + C\n")
    busy = False


signal.signal(signal.SIGINT, interrupted)
while True:
    signal.pause()
