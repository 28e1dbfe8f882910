# promise: kill(0) reaches no process but the program's
# points: forks-one-child
# expect: killed-by-signal
import os
import signal

if os.fork() == 0:
    signal.pause()
os.kill(0, signal.SIGKILL)
