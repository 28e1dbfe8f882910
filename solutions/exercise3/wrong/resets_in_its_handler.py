# diagnosis: handler-reenters
# A handler has to be installed anew each time that it has run.
import os
import signal


def say(text):
    os.write(1, f"{text}\n".encode())


def interrupted(number, frame):
    say("Ctrl + C")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGINT, interrupted)


signal.signal(signal.SIGINT, interrupted)
while True:
    signal.pause()
