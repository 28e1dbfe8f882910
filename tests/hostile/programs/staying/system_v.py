# promise: no shared memory, queue or semaphore of System V is left
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
key = 0x666F726B
libc.shmget(key, 4096, 0o1666)
libc.msgget(key, 0o1666)
libc.semget(key, 1, 0o1666)
