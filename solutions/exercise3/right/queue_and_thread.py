# The handler only puts into a queue; a thread prints.
import os, queue, signal, threading
q = queue.SimpleQueue()
def printer():
    while True:
        q.get()
        print("Ctrl + C", flush=True)
threading.Thread(target=printer, daemon=True).start()
signal.signal(signal.SIGINT, lambda n, f: q.put(n))
while True:
    signal.pause()
