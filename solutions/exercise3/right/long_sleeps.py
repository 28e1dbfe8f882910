# Sleeps for an hour at a time; a sleep goes on after a handler has run.
import os
import signal
import time


def on_interrupt(signum, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, on_interrupt)
while 1:
    time.sleep(3600)
