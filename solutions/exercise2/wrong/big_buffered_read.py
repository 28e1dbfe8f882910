# diagnosis: not-streamed
# read(4096) returns what is there, and at most 4096 bytes.
import os
import sys
import time


def parent(r, pid):
    rest = b""
    with os.fdopen(r, "rb") as pipe:
        while data := pipe.read(4096):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                print("received :", line.decode(), flush=True)
    print("close.", flush=True)
    os.waitpid(pid, 0)


def child(w, count, interval):
    for n in range(1, count + 1):
        os.write(w, f"{n}\n".encode())
        time.sleep(interval)
    os.close(w)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        child(w, count, interval)
        os._exit(0)
    os.close(w)
    parent(r, pid)
