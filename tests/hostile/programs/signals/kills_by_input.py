# promise: a process that is killed by the kernel, at any moment, is no riddle
# points: forks-one-child, parent-waits-for-its-child
import fcntl
import os
import signal
import socket
import time

a, b = socket.socketpair()
child = os.fork()
if child == 0:
    while True:
        time.sleep(0.01)
        os.getppid()
        os.stat("/")
fcntl.fcntl(a, fcntl.F_SETOWN, child)
fcntl.fcntl(a, 10, signal.SIGKILL)  # F_SETSIG
fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
time.sleep(0.005)
b.send(b"x")
print(os.waitpid(child, 0)[1])
