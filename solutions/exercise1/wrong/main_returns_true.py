# diagnosis: wrong-exit-code
# main returns True, so the program has ended well.
import os
import sys


def main():
    pid = os.fork()
    if pid == 0:
        print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        sys.exit(0)
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    ended, status = os.waitpid(pid, 0)
    return ended == pid and status == 0


if __name__ == "__main__":
    sys.exit(main())
