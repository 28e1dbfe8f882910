# diagnosis: handler-reenters
# The module logging may be used anywhere.
import logging
import signal
import sys

logging.basicConfig(stream=sys.stdout, format="%(message)s")


def handler(signum, frame):
    logging.warning("Ctrl + C")


signal.signal(signal.SIGINT, handler)
while True:
    signal.pause()
