# diagnosis: stopped-by-count
# When the last number has come, the parent knows that it can leave the loop.
import os
import sys
import time


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        for n in range(1, count + 1):
            os.write(w, b"%d\n" % n)
            time.sleep(interval)
        os.close(w)
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as pipe:
        for line in pipe:
            number = int(line)
            print("received :", number, flush=True)
            if number == count:
                break
    print("close.", flush=True)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
