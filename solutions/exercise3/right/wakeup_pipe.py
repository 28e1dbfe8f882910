# The self-pipe: the signal's number arrives in a pipe that the main loop reads.
import os
import signal

r, w = os.pipe()
os.set_blocking(w, False)
signal.set_wakeup_fd(w, warn_on_full_buffer=False)
signal.signal(signal.SIGINT, lambda number, frame: None)
while True:
    for number in os.read(r, 64):
        if number == signal.SIGINT:
            os.write(1, b"Ctrl + C\n")
