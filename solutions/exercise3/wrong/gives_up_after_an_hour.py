# diagnosis: killed-by-signal, ended-early
# Nobody presses Ctrl+C for an hour: an alarm ends a program that was forgotten.
import os
import signal


def interrupted(number, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, interrupted)
signal.alarm(3600)
while True:
    signal.pause()
