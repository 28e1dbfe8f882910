# diagnosis: busy-wait
# The program has to do something while it waits.
import os
import signal


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, handler)
while True:
    pass
