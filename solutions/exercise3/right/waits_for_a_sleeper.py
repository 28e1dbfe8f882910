# Waits for /bin/sleep, again and again; who is left of it at the end is not asked for.
import os
import signal
import subprocess


def interrupted(number, frame):
    os.write(1, b"Ctrl + C\n")


signal.signal(signal.SIGINT, interrupted)
while True:
    subprocess.run(["/bin/sleep", "1000"])
