# promise: a leader that ends before its threads, and a thread that ends all, are seen
# points: forks-one-child, parent-waits-for-its-child
import ctypes
import os
import threading
import time

libc = ctypes.CDLL(None)


def later():
    time.sleep(0.01)
    os.kill(os.getpid(), 9)


if os.fork() == 0:
    threading.Thread(target=later).start()
    libc.syscall(60, 0)  # exit, of this thread alone
print(os.wait())
