# promise: who stops itself and never goes on is known to rest
# points: forks-one-child
import os
import signal

if os.fork() == 0:
    os.setsid()
    os.kill(os.getpid(), signal.SIGSTOP)
os.kill(os.getpid(), signal.SIGSTOP)
