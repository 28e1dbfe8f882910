# A fresh interpreter as the child, which is given the pipe's end by the library.
import multiprocessing
import os
import sys
import time


def send(writer, count, interval):
    for number in range(1, count + 1):
        os.write(writer.fileno(), b"%d\n" % number)
        time.sleep(interval)
    writer.close()


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    child = context.Process(target=send, args=(writer, count, interval))
    child.start()
    writer.close()
    with open(reader.fileno(), closefd=False) as lines:
        for line in lines:
            print("received :", line.strip(), flush=True)
    reader.close()
    print("close.", flush=True)
    child.join()
