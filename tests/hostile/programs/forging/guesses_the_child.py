# promise: a child that is guessed at is not forked
# expect: no-child
import os

# The next free number, as /proc tells it.
last = int(open("/proc/loadavg").read().split()[-1])
for pid in (last + 1, os.getpid() + 1, os.getpid() + 2):
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    print(f"this is child, pid = {pid}, parent id = {os.getpid()}")
