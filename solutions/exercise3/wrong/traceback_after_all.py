# diagnosis: uncaught-exception
# An exception in a thread does not matter, as the program goes on.
import os
import signal
import threading


def handler(number, frame):
    os.write(1, b"Ctrl + C\n")


def work():
    raise ValueError("nothing to do")


signal.signal(signal.SIGINT, handler)
threading.Thread(target=work).start()
while True:
    signal.pause()
