# promise: as many signals as may be queued harm nobody
import ctypes
import os
import signal

libc = ctypes.CDLL(None)
number = signal.SIGRTMIN + 1
signal.pthread_sigmask(signal.SIG_BLOCK, {number})
for value in range(1_000):
    if libc.sigqueue(os.getpid(), number, ctypes.c_void_p(value)) == -1:
        break
