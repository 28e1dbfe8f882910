# The child is paced by an interval timer (SIGALRM, sigwait) and not by sleep.
import os
import signal
import sys
from contextlib import contextmanager


@contextmanager
def process(function):
    pid = os.fork()
    if pid == 0:
        function()
        os._exit(0)
    try:
        yield pid
    finally:
        os.waitpid(pid, 0)


def ticks(interval):
    if interval > 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        signal.setitimer(signal.ITIMER_REAL, interval, interval)
    while True:
        if interval > 0:
            signal.sigwait({signal.SIGALRM})
        yield


def main():
    count = int(sys.argv[1]) if sys.argv[1:] else 10
    interval = float(sys.argv[2]) if sys.argv[2:] else 0.5
    r, w = os.pipe()

    def sender():
        os.close(r)
        for n, _ in zip(range(1, count + 1), ticks(interval), strict=False):
            os.write(w, b"%d\n" % n)
        os.close(w)

    with process(sender):
        os.close(w)
        with open(r, "rb", buffering=0) as pipe:
            while line := pipe.readline():
                os.write(1, b"received : " + line)
        os.write(1, b"close.\n")


if __name__ == "__main__":
    main()
