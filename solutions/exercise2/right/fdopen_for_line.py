# Flat script: both ends as files by os.fdopen, a for loop over the lines, flush.
import os
import sys
import time

count = 10
interval = 0.5
if len(sys.argv) >= 2:
    count = int(sys.argv[1])
if len(sys.argv) >= 3:
    interval = float(sys.argv[2])

read_fd, write_fd = os.pipe()

pid = os.fork()
if pid == 0:
    os.close(read_fd)
    writer = os.fdopen(write_fd, "w")
    number = 1
    while number <= count:
        writer.write(str(number))
        writer.write("\n")
        writer.flush()
        number += 1
        time.sleep(interval)
    writer.close()
    sys.exit(0)
else:
    os.close(write_fd)
    reader = os.fdopen(read_fd, "r")
    for line in reader:
        sys.stdout.write("received : " + line)
        sys.stdout.flush()
    reader.close()
    print("close.")
    os.wait()
