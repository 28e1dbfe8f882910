# promise: threads are counted
# expect: too-many-processes, too-many-threads, uncaught-exception
import threading

for _ in range(3000):
    threading.Thread(target=threading.Event().wait).start()
