# diagnosis: handler-reenters
# A handler is a function like any other, so it can print.
import signal


def handler(number, frame):
    print("Ctrl + C")


signal.signal(signal.SIGINT, handler)
while True:
    signal.pause()
