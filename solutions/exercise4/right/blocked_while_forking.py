# SIGCHLD is blocked while the table of children changes, and in the handler.
import os
import signal
import sys


class Nursery:
    def __init__(self):
        self.children = {}
        signal.signal(signal.SIGCHLD, self.on_sigchld)

    def start(self, number):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
            os._exit(number)
        self.children[pid] = number
        self.say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])

    def on_sigchld(self, signum, frame):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        while self.children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            self.children.pop(pid, None)
            code = os.waitstatus_to_exitcode(status)
            self.say(f"Child {pid} Finish, status = {code}")
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @staticmethod
    def say(text):
        os.write(sys.stdout.fileno(), text.encode() + b"\n")


if __name__ == "__main__":
    nursery = Nursery()
    for number in range(int(sys.argv[1]) if sys.argv[1:] else 1):
        nursery.start(number)
    while True:
        signal.pause()
