# The handler installs itself again, as old books have it; SIGINT is never without one.
import os
import signal


def interrupted(number, frame):
    signal.signal(signal.SIGINT, interrupted)
    os.write(1, b"Ctrl + C\n")
    signal.signal(signal.SIGINT, interrupted)


signal.signal(signal.SIGINT, interrupted)
while True:
    signal.pause()
