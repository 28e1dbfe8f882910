# A fresh interpreter as the child; the library starts a helper beside it, and keeps it.
import multiprocessing
import os


def child():
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}", flush=True)


if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=child)
    process.start()
    print(f"this is parent, pid = {os.getpid()}, child id = {process.pid}", flush=True)
    process.join()
