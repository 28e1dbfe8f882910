# promise: a vfork that never gives its parent back comes to an end
# points: forks-one-child
import ctypes

libc = ctypes.CDLL(None)
pid = libc.syscall(56, ctypes.c_ulong(0x4000 | 17), 0, 0, 0, 0)
if pid == 0:
    libc.pause()
