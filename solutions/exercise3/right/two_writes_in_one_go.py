# Two writes, with SIGINT blocked meanwhile: a second one waits for the line's end.
import os
import signal


def interrupted(number, frame):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.write(1, b"Ctrl + C")
    os.write(1, b"\n")
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


signal.signal(signal.SIGINT, interrupted)
while True:
    signal.pause()
