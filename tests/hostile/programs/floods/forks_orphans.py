# promise: a bomb whose parents end at once ends too
# expect: too-many-processes, never-ends, orphan-left
import os

for _ in range(3000):
    if os.fork():
        os._exit(0)
