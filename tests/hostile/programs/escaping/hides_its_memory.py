# promise: the tracer sees a program that hides its memory from it
# points: forks-one-child, both-end-with-0, parent-waits-for-its-child
# expect: forbidden-call
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(4, 0, 0, 0, 0) == 0:
    print("LOOT")
pid = os.fork()
if pid == 0:
    libc.prctl(4, 0, 0, 0, 0)
    os._exit(0)
os.waitpid(pid, 0)
