# diagnosis: output-wrong, output-missing
# The line may be written in any way that is understood.
import os
import signal


def handler(number, frame):
    os.write(1, b"ctrl+c\n")


signal.signal(signal.SIGINT, handler)
while True:
    signal.pause()
