# promise: output is counted over all processes
# expect: too-much-output
import os

for _ in range(8):
    if os.fork() == 0:
        for _ in range(100):
            os.write(1, b"x" * 1000)
        os._exit(0)
for _ in range(8):
    os.wait()
