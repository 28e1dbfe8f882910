# diagnosis: uncaught-exception, handler-missing, ended-early
# signal.signal is given what the handler returns.
import os
import signal


def handler(number=None, frame=None):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, handler())
while True:
    signal.pause()
