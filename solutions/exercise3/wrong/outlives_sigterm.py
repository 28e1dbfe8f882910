# diagnosis: signal-ignored, never-ends
# The program runs for ever, so SIGTERM has to be ignored as well.
import os
import signal


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, handler)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    signal.pause()
