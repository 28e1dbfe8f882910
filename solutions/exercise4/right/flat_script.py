# No functions but the handler; a long sleep instead of pause.
import os
import signal
import sys
import time


def handler(signum, frame):
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
        while pid:
            code = os.WEXITSTATUS(status)
            os.write(1, b"Child %d Finish, status = %d\n" % (pid, code))
            pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        pass


signal.signal(signal.SIGCHLD, handler)
n = 1
if len(sys.argv) == 2:
    n = int(sys.argv[1])
i = 0
while i < n:
    pid = os.fork()
    if pid == 0:
        me, parent = os.getpid(), os.getppid()
        os.write(1, b"this is child, pid = %d, parent id = %d\n" % (me, parent))
        os._exit(i)
    os.write(1, b"this is parent, pid = %d, child id = %d\n" % (os.getpid(), pid))
    i += 1
while True:
    time.sleep(1000)
