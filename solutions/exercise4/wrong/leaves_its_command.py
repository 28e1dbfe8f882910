# diagnosis: zombie-left
# A command that nobody waits for is done when it ends.
import os
import signal
import subprocess
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


pids = []


def child_ended(number, frame):
    for pid in list(pids):
        try:
            collected, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
        if collected and pid in pids:
            pids.remove(pid)
            say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")


children = int(sys.argv[1]) if len(sys.argv) > 1 else 1
command = subprocess.Popen(["true"])
signal.signal(signal.SIGCHLD, child_ended)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
for number in range(children):
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(number)
    pids.append(pid)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
while True:
    signal.pause()
