"""Exercise 2, pipe: a child sends numbers to its parent, which prints them.

Usage: python exercise2.py [COUNT [INTERVAL]]
"""

import os
import sys
import time


def child(write_end, count, interval):
    """Send the numbers 1 to count into the pipe, one every interval seconds."""
    with os.fdopen(write_end, "w") as writer:
        for number in range(1, count + 1):
            writer.write(f"{number}\n")
            # A pipe is not a terminal: without this, the text would wait in our
            # own buffer until it is full or the file is closed.
            writer.flush()
            time.sleep(interval)


def parent(read_end, pid):
    """Print each number as it arrives, then collect the child."""
    with os.fdopen(read_end) as reader:
        # The loop ends at end of file: when nobody has the write end open any
        # more. How many numbers there are is the child's business alone.
        for line in reader:
            # Whoever reads our output through a pipe wants it at once as well.
            print(f"received : {line.strip()}", flush=True)
    print("close.", flush=True)
    # Only now: a child that waits for room in a full pipe would never end while
    # we waited for it instead of reading.
    os.waitpid(pid, 0)


def main(count, interval):
    """Make the pipe, fork, and give each process the end that it uses."""
    # Before the fork, so that both processes have the same pipe.
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        # So that a write fails, instead of waiting for ever, if the parent dies.
        os.close(read_end)
        child(write_end, count, interval)
        # The child's work is done; what follows is the parent's. The `with` in
        # child() has already flushed its file, which _exit would not do.
        os._exit(0)
    # Our copy counts as a writer too: while it is open, there is no end of file.
    os.close(write_end)
    parent(read_end, pid)


if __name__ == "__main__":
    main(
        count=int(sys.argv[1]) if len(sys.argv) > 1 else 10,
        interval=float(sys.argv[2]) if len(sys.argv) > 2 else 0.5,
    )
