# diagnosis: output-missing
# The main loop prints once for all interrupts that it has noticed.
import os
import signal

pressed = False
told = False


def handler(number, frame):
    global pressed
    pressed = True


signal.signal(signal.SIGINT, handler)
while True:
    signal.pause()
    if pressed and not told:
        os.write(1, b"Ctrl + C\n")
        told = True
