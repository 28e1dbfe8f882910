# The parent collects first and prints afterwards; a class, and an explicit flush.
import os
import sys


class Child:
    def __init__(self, work):
        self.pid = os.fork()
        if self.pid == 0:
            try:
                work()
                sys.stdout.flush()
            finally:
                os._exit(0)

    def collect(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def work():
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")


def main():
    child = Child(work)
    code = child.collect()
    print(f"this is parent, pid = {os.getpid()}, child id = {child.pid}")
    return code


if __name__ == "__main__":
    sys.exit(main())
