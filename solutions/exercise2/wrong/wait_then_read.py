# diagnosis: deadlock, not-streamed
# First the child has to finish, so that all its numbers are in the pipe.
import os
import sys
import time


def child(write_end, count, interval):
    with os.fdopen(write_end, "w") as writer:
        for number in range(1, count + 1):
            writer.write(f"{number}\n")
            writer.flush()
            time.sleep(interval)


def parent(read_end, pid):
    os.wait()
    with os.fdopen(read_end) as reader:
        for line in reader:
            print(f"received : {line.strip()}", flush=True)
    print("close.", flush=True)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        child(write_end, count, interval)
        os._exit(0)
    os.close(write_end)
    parent(read_end, pid)


if __name__ == "__main__":
    main()
