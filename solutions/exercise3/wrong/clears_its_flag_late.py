# diagnosis: handler-reenters
# What sets the flag while the line is written is wiped out behind it.
import os
import signal

pressed = False


def interrupted(number, frame):
    global pressed
    pressed = True


signal.signal(signal.SIGINT, interrupted)
while True:
    signal.pause()
    if pressed:
        os.write(1, b"Ctrl + C\n")
        pressed = False
