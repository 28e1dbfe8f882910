# promise: a count of more than 32 bits does not end the tracer
import ctypes
import mmap

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
pages = libc.mmap(0, 2 * mmap.PAGESIZE, 3, 0x22, -1, 0)
libc.munmap(ctypes.c_void_p(pages + mmap.PAGESIZE), mmap.PAGESIZE)
for size in (8, 12, 20):
    last = ctypes.c_ulong(pages + mmap.PAGESIZE - size)
    ctypes.memset(pages + mmap.PAGESIZE - size, 0xFF, size)
    libc.syscall(7, last, ctypes.c_ulong((1 << 32) + 1), 50)
    libc.syscall(23, ctypes.c_ulong((1 << 32) + 64), last, 0, 0, 0)
    libc.syscall(0, 0, last, ctypes.c_ulong(0))
