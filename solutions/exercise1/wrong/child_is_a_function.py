# diagnosis: no-child
# The function called child is the child, the one called parent is the parent.
import os


def child():
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    return os.getpid()


def parent(pid):
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")


if __name__ == "__main__":
    parent(child())
