# A class for the pipe, deadlines instead of naps, and a child that may not escape.
import os
import sys
import time


class Pipe:
    def __init__(self):
        self.read_end, self.write_end = os.pipe()

    def for_reading(self):
        os.close(self.write_end)
        return os.fdopen(self.read_end, "rb")

    def for_writing(self):
        os.close(self.read_end)
        return os.fdopen(self.write_end, "wb", buffering=0)


def produce(pipe, count, interval):
    start = time.monotonic()
    with pipe.for_writing() as out:
        for i in range(count):
            out.write(f"{i + 1}\n".encode("ascii"))
            left = start + (i + 1) * interval - time.monotonic()
            if left > 0:
                time.sleep(left)


def consume(pipe):
    with pipe.for_reading() as lines:
        for line in iter(lines.readline, b""):
            print(f"received : {int(line)}")
    print("close.")


def main():
    numbers = [float(a) for a in sys.argv[1:]] + [10, 0.5][len(sys.argv) - 1 :]
    pipe = Pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            produce(pipe, int(numbers[0]), numbers[1])
            code = 0
        finally:
            os._exit(code)
    consume(pipe)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
