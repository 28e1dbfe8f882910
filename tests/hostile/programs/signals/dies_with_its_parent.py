# promise: a stopped process that dies with its parent is no riddle
import ctypes
import os
import signal
import time

libc = ctypes.CDLL(None)
waits = (
    signal.pause,
    lambda: time.sleep(9),
    lambda: os.read(0, 1),
    lambda: os.write(1, b"x"),
    os.sched_yield,
)
for wait in waits:
    if os.fork() == 0:
        if os.fork() == 0:
            libc.prctl(1, signal.SIGKILL, 0, 0, 0)
            for _ in range(100):
                wait()
        time.sleep(0.01)
        for _ in range(20):
            os.sched_yield()
        os._exit(0)
    os.waitpid(-1, 0)
