# promise: pointers that lead nowhere do not end the tracer
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
r, w = os.pipe()
file = os.open("x", os.O_RDWR | os.O_CREAT)
os.write(file, b"x" * 100)
os.write(w, b"x" * 100)
for address in (8, 0x7FFFFFFFF000, 1 << 63, (1 << 64) - 1):
    bad = ctypes.c_ulong(address)
    libc.syscall(275, r, bad, file, bad, 10, 2)  # splice
    libc.syscall(40, w, file, bad, 10)  # sendfile
    libc.syscall(13, 10, bad, bad, 8)  # rt_sigaction
    libc.syscall(61, -1, bad, 1, bad)  # wait4
    libc.syscall(247, 0, 0, bad, 5, bad)  # waitid
    libc.syscall(35, bad, bad)  # nanosleep
    libc.syscall(230, 99, 0, bad, bad)  # clock_nanosleep
    libc.syscall(202, bad, 0, 0, bad, bad, 0)  # futex
    libc.syscall(128, bad, bad, bad, 8)  # rt_sigtimedwait
    libc.syscall(7, bad, 3, 1)  # poll
    libc.syscall(23, 3, bad, bad, bad, bad)  # select
    libc.syscall(22, bad)  # pipe
    libc.syscall(228, 1, bad)  # clock_gettime
    libc.syscall(96, bad, bad)  # gettimeofday
    libc.syscall(38, 0, bad, bad)  # setitimer
    libc.syscall(36, 0, bad)  # getitimer
    libc.syscall(20, w, bad, 3)  # writev
    libc.syscall(19, r, bad, 3)  # readv
    libc.syscall(46, w, bad, 0)  # sendmsg
    libc.syscall(42, w, bad, 16)  # connect
    libc.syscall(59, bad, bad, bad)  # execve
    libc.syscall(257, -100, bad, 0, 0)  # openat
    libc.syscall(278, w, bad, 3, 0)  # vmsplice
    libc.syscall(302, 0, 7, bad, bad)  # prlimit64
print("the end")
