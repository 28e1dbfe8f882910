# promise: a process that swaps a link at the wrong moment gains nothing
# points: forks-one-child, parent-waits-for-its-child
import os
import signal

with open("own", "w") as file:
    file.write("own")
os.symlink("own", "link")
pid = os.fork()
if pid == 0:
    number = 0
    while True:
        number += 1
        os.symlink(("@HOME@/secret", "own")[number % 2], "new")
        os.rename("new", "link")
        os.sched_yield()
for _ in range(40):
    os.sched_yield()
    try:
        with open("link") as file:
            text = file.read()
        if text != "own":
            print("LOOT", text)
        os.truncate("link", 3)
    except OSError:
        pass
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
