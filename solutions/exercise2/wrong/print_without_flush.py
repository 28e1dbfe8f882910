# diagnosis: not-flushed
# print sends every line on its way as soon as the line ends.
import os
import sys
import time


def child(w, count, interval):
    with os.fdopen(w, "w") as pipe:
        for n in range(1, count + 1):
            print(n, file=pipe)
            time.sleep(interval)


def parent(r):
    with os.fdopen(r) as pipe:
        for line in pipe:
            print("received :", line.strip(), flush=True)
    print("close.", flush=True)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        child(w, count, interval)
        os._exit(0)
    os.close(w)
    parent(r)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
