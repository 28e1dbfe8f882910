# promise: children that nobody collects are counted
# expect: too-many-processes
import os

for _ in range(3000):
    if os.fork() == 0:
        os._exit(0)
