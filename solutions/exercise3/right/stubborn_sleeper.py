# A short nap in a loop: it wakes up often, but it rests in between.
import os
import signal
import time


def say(text):
    os.write(1, f"{text}\n".encode())


signal.signal(signal.SIGINT, lambda n, f: say("Ctrl + C"))
say("press Ctrl+C")
while True:
    time.sleep(1)
