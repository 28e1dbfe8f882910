# promise: a process that ignores all it can is ended all the same
# points: forks-one-child
import os
import signal
import time

for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except OSError:
        pass
signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
os.setsid() if os.fork() == 0 else None
while True:
    time.sleep(1)
