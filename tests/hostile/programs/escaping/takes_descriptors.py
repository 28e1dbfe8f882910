# promise: no descriptor is taken out of a process of the grader's: pidfd_getfd
# expect: forbidden-call
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
for pid in (os.getppid(), tracer):
    pidfd = os.pidfd_open(pid)
    for number in range(8):
        if libc.syscall(438, pidfd, number, 0) >= 0:
            print("LOOT", pid, number)
