# diagnosis: child-escaped, uncaught-exception
# When the child's function returns, the child is over.
import os


def start_child():
    pid = os.fork()
    if pid == 0:
        print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        return None
    return pid


def main():
    pid = start_child()
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
