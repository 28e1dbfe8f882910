# diagnosis: handler-reenters
# Nobody else changes the list while the handler goes through it.
import os
import signal
import sys


def say(text):
    os.write(1, f"{text}\n".encode())


def child_ended(number, frame):
    for pid in list(running):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            running.remove(pid)
            say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")


running = []
children = int(sys.argv[1]) if len(sys.argv) > 1 else 1
signal.signal(signal.SIGCHLD, child_ended)
for number in range(children):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(number)
    running.append(pid)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
while True:
    signal.pause()
