# diagnosis: deadlock, write-end-open
# Only the child writes, so only the child has to close the writer.
import os
import sys
import time


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    read_end, write_end = os.pipe()
    reader = os.fdopen(read_end, "r")
    writer = os.fdopen(write_end, "w")
    pid = os.fork()
    if pid == 0:
        reader.close()
        for number in range(1, count + 1):
            print(number, file=writer, flush=True)
            time.sleep(interval)
        writer.close()
        os._exit(0)
    for line in reader:
        print("received :", line.strip(), flush=True)
    reader.close()
    writer.close()
    print("close.", flush=True)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
