# promise: descriptors whose numbers have more than 32 bits hide nothing
# expect: too-much-output
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
wide = ctypes.c_ulong((1 << 32) + 1)
line = b"x" * 4096
for _ in range(200):
    if libc.syscall(1, wide, line, len(line)) < 0:
        break
