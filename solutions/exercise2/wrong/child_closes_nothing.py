# diagnosis: read-end-open
# The child ends soon anyway, and then everything is closed by itself.
import os
import sys
import time


def child(w, count, interval):
    for i in range(count):
        os.write(w, (str(i + 1) + "\n").encode())
        time.sleep(interval)


def parent(r, pid):
    with os.fdopen(r) as pipe:
        while True:
            line = pipe.readline()
            if line == "":
                break
            print("received : " + line.rstrip(), flush=True)
    print("close.", flush=True)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(w, count, interval)
        os._exit(0)
    os.close(w)
    parent(r, pid)
