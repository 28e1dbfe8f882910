# promise: SIGIO and its like reach nobody outside: fcntl(2), F_SETOWN
# expect: forbidden-call
import fcntl
import os
import socket

tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
for pid in (os.getppid(), tracer):
    a, b = socket.socketpair()
    try:
        fcntl.fcntl(a, fcntl.F_SETOWN, pid)
        fcntl.fcntl(a, fcntl.F_SETSIG, 9)
        fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC)
        b.send(b"x")
        print("LOOT", pid)
    except PermissionError:
        pass
