# diagnosis: handler-missing, uncaught-exception, ended-early
# Ctrl+C sends SIGQUIT.
import os
import signal


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGQUIT, handler)
while True:
    signal.pause()
