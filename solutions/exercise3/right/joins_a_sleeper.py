# The main thread joins one that sleeps; handlers run in the main thread.
import os
import signal


def say(text):
    os.write(1, f"{text}\n".encode())


def interrupted(number, frame):
    say("Ctrl + C")


import threading, time
def sleeper():
    while True:
        time.sleep(3600)
signal.signal(signal.SIGINT, interrupted)
t = threading.Thread(target=sleeper, daemon=True)
t.start()
t.join()
