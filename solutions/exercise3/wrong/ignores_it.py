# diagnosis: handler-missing, output-missing
# To go on after Ctrl+C the program ignores it.
import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    signal.pause()
