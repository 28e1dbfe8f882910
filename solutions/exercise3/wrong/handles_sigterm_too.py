# diagnosis: wrong-exit-code
# Every signal deserves a handler.
import os
import signal


def say(text):
    os.write(1, f"{text}\n".encode())


def interrupted(number, frame):
    say("Ctrl + C")


signal.signal(signal.SIGINT, interrupted)
import sys
signal.signal(signal.SIGTERM, lambda n, f: sys.exit(0))
while True:
    signal.pause()
