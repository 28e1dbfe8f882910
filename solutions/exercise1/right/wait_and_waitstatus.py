# Functions, os.wait, and a look at how the child ended.
import os
import sys


def run_child():
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")


def run_parent(child):
    print(f"this is parent, pid = {os.getpid()}, child id = {child}")
    ended, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    if ended != child or code != 0:
        print(f"process {ended} ended with {code}", file=sys.stderr)
        return 1
    return 0


def main():
    pid = os.fork()
    if pid == 0:
        run_child()
        return 0
    return run_parent(pid)


if __name__ == "__main__":
    sys.exit(main())
