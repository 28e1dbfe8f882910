# A non-blocking read end and select.poll: POLLHUP alone is not yet end of file.
import os
import select
import sys
import time


def send(fd, count, interval):
    for n in range(1, count + 1):
        data = b"%d\n" % n
        while data:
            data = data[os.write(fd, data) :]
        time.sleep(interval)


def receive(fd):
    os.set_blocking(fd, False)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    pending = bytearray()
    while True:
        poll.poll()
        try:
            chunk = os.read(fd, 512)
        except BlockingIOError:
            continue
        if not chunk:
            break
        pending += chunk
        while (end := pending.find(b"\n")) >= 0:
            print(f"received : {int(pending[:end])}", flush=True)
            del pending[: end + 1]
    poll.unregister(fd)
    os.close(fd)
    print("close.", flush=True)


if __name__ == "__main__":
    count, interval = 10, 0.5
    if len(sys.argv) > 1:
        count = int(sys.argv[1])
    if len(sys.argv) > 2:
        interval = float(sys.argv[2])
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(r)
            send(w, count, interval)
            os.close(w)
            status = 0
        finally:
            os._exit(status)
    os.close(w)
    receive(r)
    os.waitpid(pid, 0)
