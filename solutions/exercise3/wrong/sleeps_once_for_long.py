# diagnosis: ended-early
# Ten thousand seconds are as good as for ever.
import os
import signal
import time


def interrupted(number, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, interrupted)
time.sleep(10_000)
