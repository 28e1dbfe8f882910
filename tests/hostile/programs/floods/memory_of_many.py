# promise: memory is counted over all processes
# expect: too-much-memory, uncaught-exception
import os
import time

for _ in range(10):
    if os.fork() == 0:
        kept = bytearray(b"1" * (30 << 20))
        time.sleep(5)
        print("LOOT", len(kept))
        os._exit(0)
time.sleep(9)
