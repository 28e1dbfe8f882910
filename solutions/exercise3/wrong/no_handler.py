# diagnosis: handler-missing, uncaught-exception, ended-early
# The terminal prints the line by itself.
import signal

while True:
    signal.pause()
