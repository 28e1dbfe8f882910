# waitid instead of waitpid: it says what happened in a structure.
import os
import signal
import sys


def child_ended(number, frame):
    while True:
        try:
            what = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return
        if what is None:
            return
        line = f"Child {what.si_pid} Finish, status = {what.si_status}\n"
        os.write(1, line.encode())


def spawn(i):
    pid = os.fork()
    if pid:
        return pid
    os.write(1, f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}\n".encode())
    os._exit(i)


signal.signal(signal.SIGCHLD, child_ended)
for i in range(int((sys.argv + ["1"])[1])):
    pid = spawn(i)
    os.write(1, f"this is parent, pid = {os.getpid()}, child id = {pid}\n".encode())
while True:
    signal.sigwaitinfo([signal.SIGUSR1])
