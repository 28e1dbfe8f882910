# promise: numbers that are no signals do not end the tracer
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
for number in (-1, -9, 65, 128, 1 << 31, (1 << 32) + 9, (1 << 63) + 17):
    for call in (62, 200):
        libc.syscall(call, ctypes.c_long(os.getpid()), ctypes.c_ulong(number & ~9))
    for target in (-(1 << 31), 1 << 31, (1 << 32) - 1, -os.getpid()):
        libc.syscall(62, ctypes.c_long(target), ctypes.c_ulong(number & ~9))
    libc.syscall(13, ctypes.c_ulong(number), 0, 0, 8)
