# promise: a flood of signals comes to an end
import os
import signal

signal.signal(signal.SIGUSR1, lambda *_: os.kill(os.getpid(), signal.SIGUSR1))
os.kill(os.getpid(), signal.SIGUSR1)
while True:
    os.kill(os.getpid(), signal.SIGUSR1)
