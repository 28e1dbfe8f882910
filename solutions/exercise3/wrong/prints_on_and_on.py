# diagnosis: too-much-output
# The main program prints what the handler has counted, and never counts it down.
import signal
import time

due = 0


def handler(signum, frame):
    global due
    due += 1


signal.signal(signal.SIGINT, handler)
while True:
    while due:
        print("Ctrl + C", flush=True)
    time.sleep(0.1)
