# A descriptor for each child, beside the handler.
import os
import signal
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child(i):
    say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    os._exit(i)


fds = {}


def reap(number, frame):
    for pid, fd in list(fds.items()):
        try:
            info = os.waitid(os.P_PIDFD, fd, os.WEXITED | os.WNOHANG)
        except (ChildProcessError, OSError):
            continue
        if info is not None:
            say(f"Child {info.si_pid} Finish, status = {info.si_status}")
            fds.pop(pid, None)


n = int(sys.argv[1]) if len(sys.argv) > 1 else 1
signal.signal(signal.SIGCHLD, reap)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
for i in range(n):
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        child(i)
    fds[pid] = os.pidfd_open(pid)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
while True:
    signal.pause()
