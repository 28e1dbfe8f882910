# diagnosis: no-child
# A thread is a process too.
import os
import threading


def child():
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")


thread = threading.Thread(target=child)
thread.start()
print(f"this is parent, pid = {os.getpid()}, child id = {thread.native_id}")
thread.join()
