# diagnosis: handler-reenters
# input waits without using the processor, and print shows what happened.
import signal
import sys


def handler(number, frame):
    print("Ctrl + C")
    sys.stdout.flush()


signal.signal(signal.SIGINT, handler)
while True:
    input()
