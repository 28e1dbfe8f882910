# promise: no namespace is made or entered
# expect: forbidden-call
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
for flag in (0x10000000, 0x20000000, 0x00020000, 0x40000000, 0x08000000, 0x02000000):
    if libc.unshare(flag) == 0:
        print("LOOT", hex(flag))
for name in ("user", "pid", "mnt", "net"):
    descriptor = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
    if libc.setns(descriptor, 0) == 0:
        print("LOOT", name)
