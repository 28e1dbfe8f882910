# diagnosis: uncaught-exception, ended-early
# The handler needs no parameters, because nothing is passed to it.
import os
import signal


def handler():
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, handler)
while True:
    signal.pause()
