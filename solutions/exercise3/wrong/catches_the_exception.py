# diagnosis: handler-missing, handler-reenters
# Python turns Ctrl+C into an exception, which is as good as a handler.
import os
import signal

while True:
    try:
        signal.pause()
    except KeyboardInterrupt:
        os.write(1, b"Ctrl + C\n")
