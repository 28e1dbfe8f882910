# diagnosis: uncaught-exception
# The hand-out's own example gives one argument.
import os
import sys
import time

count, interval = 10, 0.5
if len(sys.argv) > 1:
    count, interval = int(sys.argv[1]), float(sys.argv[2])

reading, writing = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(reading)
    for number in range(1, count + 1):
        os.write(writing, f"{number}\n".encode())
        time.sleep(interval)
    os._exit(0)
os.close(writing)
with open(reading) as numbers:
    for number in numbers:
        print(f"received : {number.rstrip()}", flush=True)
os.waitpid(pid, 0)
print("close.")
