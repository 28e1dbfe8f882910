# diagnosis: no-pipe
# A file can be shared as well as a pipe.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
pid = os.fork()
if pid == 0:
    with open("numbers.txt", "w") as file:
        for n in range(1, count + 1):
            file.write(f"{n}\n")
            file.flush()
            time.sleep(interval)
    sys.exit(0)
os.waitpid(pid, 0)
with open("numbers.txt") as file:
    for line in file:
        print("received :", line.strip())
print("close.")
