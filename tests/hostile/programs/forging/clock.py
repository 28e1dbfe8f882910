# promise: whoever writes into the page of virtual time makes no time pass
# expect: no-child, uncaught-exception
import ctypes
import time

before = time.monotonic()
for line in open("/proc/self/maps"):
    if "virtual-time" in line:
        start = int(line.partition("-")[0], 16)
        words = (ctypes.c_uint64 * 16).from_address(start)
        words[0] = (1 << 63) - 1
        for number in range(2, 16):
            words[number] = (1 << 63) - 1
for value in (0, (1 << 64) - 1, 10**12):
    words[0] = value
    words[1] = 1 << 62
    time.monotonic()
    time.sleep(0.001)
    words[1] = 0
print(time.time() > 0)
