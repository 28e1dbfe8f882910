# A thread, started after the fork, reads the pipe; the main thread prints.
import os
import queue
import sys
import threading
import time

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10
INTERVAL = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5


def read_lines(fd, inbox):
    with os.fdopen(fd) as pipe:
        for line in pipe:
            inbox.put(line.strip())
    inbox.put(None)


def main():
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        for n in range(1, COUNT + 1):
            os.write(w, f"{n}\n".encode())
            time.sleep(INTERVAL)
        os.close(w)
        os._exit(0)

    os.close(w)
    inbox = queue.Queue()
    thread = threading.Thread(target=read_lines, args=(r, inbox))
    thread.start()
    while (number := inbox.get()) is not None:
        print("received :", number, flush=True)
    thread.join()
    print("close.", flush=True)
    os.waitpid(pid, 0)


main()
