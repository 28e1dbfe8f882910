# The child has a second pipe, on which it says that it is there.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

ready_reading, ready_writing = os.pipe()
reading, writing = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(reading)
    os.close(ready_reading)
    os.write(ready_writing, b"the child is ready to send its numbers\n")
    os.close(ready_writing)
    for number in range(1, count + 1):
        os.write(writing, b"%d\n" % number)
        time.sleep(interval)
    os._exit(0)
os.close(writing)
os.close(ready_writing)
with open(ready_reading) as said:
    print(said.read().strip(), flush=True)
print("reading until end of file, then: close.", flush=True)
with open(reading) as numbers:
    for number in numbers:
        print(f"received : {number.strip()}", flush=True)
os.waitpid(pid, 0)
print("close.")
