# print(..., file=..., flush=True), readline, and a sleep before instead of after.
import os
import sys
import time


def send(w, count, interval):
    for i in range(count):
        if i:
            time.sleep(interval)
        print(i + 1, file=w, flush=True)
    w.close()


def receive(r):
    line = r.readline()
    while line != "":
        print("received : %d" % int(line))
        line = r.readline()
    r.close()
    print("close.")


def main(argv):
    count = int(argv[1]) if len(argv) > 1 else 10
    interval = float(argv[2]) if len(argv) > 2 else 0.5
    fds = os.pipe()
    r, w = os.fdopen(fds[0], "r"), os.fdopen(fds[1], "w")
    pid = os.fork()
    if pid == 0:
        r.close()
        send(w, count, interval)
        return 0
    w.close()
    receive(r)
    _, status = os.wait()
    return os.waitstatus_to_exitcode(status)


sys.exit(main(sys.argv))
