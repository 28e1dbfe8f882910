# A selector says when there is something to read; line buffering flushes.
import os
import selectors
import sys
import time


def child(w, count, interval):
    with open(w, "w", buffering=1) as pipe:
        for n in range(1, count + 1):
            pipe.write("%d\n" % n)
            time.sleep(interval)


def parent(r):
    selector = selectors.DefaultSelector()
    selector.register(r, selectors.EVENT_READ)
    data = b""
    open_ = True
    while open_:
        for _ in selector.select():
            more = os.read(r, 4096)
            open_ = bool(more)
            data += more
            while b"\n" in data:
                line, _, data = data.partition(b"\n")
                sys.stdout.write("received : %s\n" % line.decode())
                sys.stdout.flush()
    selector.close()
    os.close(r)
    print("close.")


def main(count=10, interval=0.5):
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        child(w, int(count), float(interval))
        os._exit(0)
    os.close(w)
    parent(r)
    os.waitpid(pid, 0)


main(*sys.argv[1:3])
