# promise: who keeps the terminal or a pipe open holds nobody up
# points: forks-one-child
import os
import signal
import sys

if os.fork() == 0:
    os.setsid()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        os.dup(stream.fileno())
    signal.pause()
os._exit(0)
