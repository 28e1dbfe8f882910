# diagnosis: not-flushed
# print goes out line by line where standard output was a terminal at the start.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

reading, writing = os.pipe()
if os.fork() == 0:
    os.close(reading)
    os.dup2(writing, 1)
    os.close(writing)
    for number in range(1, count + 1):
        print(number)
        time.sleep(interval)
    sys.exit(0)
os.close(writing)
with os.fdopen(reading) as numbers:
    for number in numbers:
        print("received :", number.strip(), flush=True)
os.wait()
print("close.")
