# promise: a child whose end is told by SIGKILL is no riddle: clone(2)
# points: forks-one-child
import ctypes
import os
import signal
import time

libc = ctypes.CDLL(None)
if os.fork() == 0:
    for number in (signal.SIGUSR1, signal.SIGSTOP, signal.SIGKILL):
        signal.signal(signal.SIGUSR1, lambda *_: None)
        if libc.syscall(56, ctypes.c_ulong(number), 0, 0, 0, 0) == 0:
            time.sleep(0.001)
            os._exit(0)
        time.sleep(0.01)
for _ in range(30):
    time.sleep(0.01)
    os.waitpid(-1, os.WNOHANG)
