# diagnosis: ended-early
# Nobody waits for longer than two hours, and short naps are as good as long ones.
import os
import signal
import time

signal.signal(signal.SIGINT, lambda number, frame: os.write(1, b"Ctrl + C\n"))
for second in range(7200):
    time.sleep(1)
