# promise: the numbers of x32 kill
# expect: killed-by-signal
import ctypes

libc = ctypes.CDLL(None)
libc.syscall(0x40000000 | 57)
print("LOOT")
