# promise: threads that execute at once confuse nobody
# points: forks-one-child, parent-waits-for-its-child, both-end-with-0
import os
import threading

gate = threading.Barrier(4)


def execute():
    gate.wait()
    os.execv("/bin/true", ["true"])


if os.fork() == 0:
    for _ in range(3):
        threading.Thread(target=execute).start()
    execute()
os.wait()
