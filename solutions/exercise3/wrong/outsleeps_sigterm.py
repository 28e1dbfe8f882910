# diagnosis: signal-ignored
# Nothing may end it: SIGTERM is ignored, and it sleeps for longer than anybody waits.
import os
import signal
import time

signal.signal(signal.SIGINT, lambda number, frame: os.write(1, b"Ctrl + C\n"))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    time.sleep(3000)
