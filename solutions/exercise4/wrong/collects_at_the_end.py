# diagnosis: zombie-left
# One child a signal, and the rest only when the program is told to end.
import os
import signal
import sys


def collect(flags):
    try:
        pid, status = os.waitpid(-1, flags)
    except ChildProcessError:
        return False
    if pid:
        code = os.waitstatus_to_exitcode(status)
        os.write(1, f"Child {pid} Finish, status = {code}\n".encode())
    return pid != 0


def ended(number, frame):
    collect(os.WNOHANG)


def stop(number, frame):
    while collect(os.WNOHANG):
        pass
    sys.exit(0)


signal.signal(signal.SIGCHLD, ended)
signal.signal(signal.SIGTERM, stop)
for i in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        line = f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}"
        print(line, flush=True)
        os._exit(i)
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}", flush=True)
while True:
    signal.pause()
