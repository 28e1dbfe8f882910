# Reads byte by byte, which is slow and right; closes by os.closerange.
import os
import sys
import time

args = sys.argv[1:]
count, interval = 10, 0.5
if args:
    count = int(args[0])
if len(args) > 1:
    interval = float(args[1])

read_end, write_end = os.pipe()
child = os.fork()
if not child:
    os.closerange(read_end, read_end + 1)
    with open(write_end, "wb", buffering=0) as out:
        for number in range(count):
            out.write(str(number + 1).encode() + b"\n")
            time.sleep(interval)
    sys.exit()

os.close(write_end)
number = ""
while byte := os.read(read_end, 1):
    if byte == b"\n":
        print("received :", number)
        number = ""
    else:
        number += byte.decode()
print("close.")
os.close(read_end)
os.waitpid(child, 0)
