# promise: no child is made that the tracer does not see: CLONE_UNTRACED, CLONE_PARENT
# expect: forbidden-call
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
for flags in (0x00800000 | 17, 0x00008000 | 17, 0x20000000 | 17, 0x10000000 | 17):
    pid = libc.syscall(56, ctypes.c_ulong(flags), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        print("LOOT", hex(flags))
