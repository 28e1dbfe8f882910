# diagnosis: ended-early, killed-by-signal
# As in old C the handler has to be set back after the first time.
import os
import signal


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")
    signal.signal(signal.SIGINT, signal.SIG_DFL)


signal.signal(signal.SIGINT, handler)
while True:
    signal.pause()
