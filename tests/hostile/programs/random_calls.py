"""Makes system calls at random, with arguments that are rarely good.

Usage: python random_calls.py SEED COUNT

Run it under the tracer only. It names no file but in the folder that it runs in, no
process but its own, and no address but this machine's; what could harm the machine if
the tracer let it is not among the calls.
"""

import ctypes
import mmap
import os
import random
import signal
import socket
import struct
import sys
import time

from_descriptors = {
    "read": 0, "write": 1, "close": 3, "readv": 19, "writev": 20, "dup": 32,
    "dup2": 33, "dup3": 292, "fcntl": 72, "flock": 73, "preadv2": 327,
    "pwritev2": 328, "accept": 43, "accept4": 288, "recvfrom": 45, "recvmsg": 47,
    "sendto": 44, "sendmsg": 46, "connect": 42, "shutdown": 48, "splice": 275,
    "tee": 276, "vmsplice": 278, "sendfile": 40, "epoll_wait": 232,
    "epoll_pwait": 281, "epoll_pwait2": 441, "close_range": 436, "epoll_ctl": 233,
    "pidfd_send_signal": 424, "fstat": 5, "lseek": 8, "ftruncate": 77,
    "bind": 49, "listen": 50, "getsockname": 51, "sendmmsg": 307, "recvmmsg": 299,
    "process_madvise": 440, "pidfd_getfd": 438, "setns": 308, "fchmod": 91,
    "fremovexattr": 199, "inotify_add_watch": 254,
}  # fmt: skip
from_names = {
    "open": 2, "creat": 85, "stat": 4, "lstat": 6, "access": 21, "mkdir": 83,
    "rmdir": 84, "unlink": 87, "rename": 82, "link": 86, "symlink": 88,
    "readlink": 89, "truncate": 76, "execve": 59, "chdir": 80, "chmod": 90, "lchown": 94,
    "utimes": 235, "setxattr": 188, "lremovexattr": 198,
}  # fmt: skip
from_folders = {
    "openat": 257, "newfstatat": 262, "statx": 332, "faccessat": 269,
    "faccessat2": 439, "mkdirat": 258, "unlinkat": 263, "renameat2": 316,
    "linkat": 265, "symlinkat": 266, "readlinkat": 267, "openat2": 437,
    "execveat": 322, "fchmodat2": 452, "utimensat": 280, "fchownat": 260,
}  # fmt: skip
of_anything = {
    "pipe": 22, "pipe2": 293, "poll": 7, "ppoll": 271, "select": 23, "pselect6": 270,
    "nanosleep": 35, "clock_nanosleep": 230, "restart_syscall": 219, "futex": 202,
    "sched_yield": 24, "clock_gettime": 228, "gettimeofday": 96, "time": 201,
    "setitimer": 38, "getitimer": 36, "alarm": 37, "rt_sigaction": 13, "pause": 34,
    "rt_sigsuspend": 130, "rt_sigtimedwait": 128, "wait4": 61, "waitid": 247,
    "setpgid": 109, "setsid": 112, "prlimit64": 302, "rt_sigprocmask": 14,
    "rt_sigpending": 127, "socket": 41, "socketpair": 53, "epoll_create1": 291,
    "eventfd2": 290, "inotify_init1": 294, "signalfd4": 289, "memfd_create": 319,
    "futex_waitv": 449, "ptrace": 101, "process_vm_readv": 310, "kcmp": 312,
    "unshare": 272, "io_uring_setup": 425, "seccomp": 317, "userfaultfd": 323,
    "perf_event_open": 298, "personality": 135, "timer_create": 222,
    "timerfd_create": 283, "clone3": 435, "fork": 57, "getpid": 39,
    "sigaltstack": 131, "set_robust_list": 273, "exit": 60,
}  # fmt: skip
to_processes = {
    "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129,
    "rt_tgsigqueueinfo": 297,
}  # fmt: skip
CLONE = 56
HARMLESS_FLAGS = (
    17,
    0,
    0x400 | 17,
    0x4000 | 17,
    0x00800000 | 17,
    0x10000000,
    9,
    0x8000,
)

libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
odd = (0, 1, 8, -1, 1 << 31, (1 << 31) - 1, 1 << 32, (1 << 32) + 1, 1 << 63, 4096)


class Room:
    """Memory with something in it, before a page that is not there."""

    def __init__(self):
        size = mmap.PAGESIZE
        self.start = libc.mmap(0, 2 * size, 3, 0x22, -1, 0)
        libc.munmap(ctypes.c_void_p(self.start + size), size)
        self.end = self.start + size

    def fill(self, chance):
        contents = (
            struct.pack("=4q", 0, chance.choice((0, 1000, 10**9, -1)), 0, 1000),
            struct.pack("=ihhihh", 0, 1, 0, -1, 5, 0),
            struct.pack("=QQQQ", self.start, 16, self.end - 8, 1 << 40),
            struct.pack("=hH4s", 2, 9, socket.inet_aton("127.0.0.1")) + bytes(8),
            struct.pack("=h", 1) + b"\0abstract" + bytes(16),
            bytes(64),
            b"\xff" * 64,
            chance.randbytes(64),
        )
        for place in (self.start, self.end - 64):
            data = chance.choice(contents)
            ctypes.memmove(place, data, min(len(data), 64))

    def pointer(self, chance):
        return chance.choice(
            (self.start, self.end - 64, self.end - 12, self.end - 1, 0, 8, self.end)
        )


def call(chance, room, names):
    """Make one."""
    room.fill(chance)
    descriptor = chance.choice((0, *range(3, 8), -1, 99, (1 << 32) + 3))
    name = chance.choice((names, names + 8, room.end, 8, 0))
    rest = [
        chance.choice((room.pointer(chance), chance.choice(odd), chance.randrange(16)))
        for _ in range(5)
    ]
    kind = chance.randrange(12)
    if kind < 4:
        number, first = chance.choice(list(from_descriptors.values())), descriptor
        if chance.random() < 0.3:
            rest[0] = chance.randrange(8)
    elif kind < 5:
        number, first = chance.choice(list(from_names.values())), name
        rest[0] = chance.choice((names, names + 8, 0, 8, 0o100))
    elif kind < 6:
        number = chance.choice(list(from_folders.values()))
        first, rest[0], rest[2] = chance.choice((-100, descriptor)), name, names
    elif kind < 7:
        number = chance.choice(list(to_processes.values()))
        first = os.getpid()
        rest[0] = chance.choice(
            (os.getpid(), 0, 10, 64, 65, -1, 1 << 31, (1 << 32) | 9)
        )
        rest[1] = chance.choice((10, 17, 0, -1, 64, 1 << 31))
        if number != to_processes["tgkill"]:
            rest[0] = rest[1]
    elif kind < 8 and chance.random() < 0.2:
        number, first, rest = CLONE, chance.choice(HARMLESS_FLAGS), [0] * 5
    else:
        number, first = chance.choice(list(of_anything.values())), rest.pop()
        if number == of_anything["prlimit64"]:
            first = 0
        if number == of_anything["setpgid"]:
            first, rest[0] = 0, 0
        rest.append(0)
    before = os.getpid()
    libc.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, (first, *rest)))
    if libc.getpid() != before:
        os._exit(0)  # it was a fork


def calls(seed, many, counter):
    """Make many, as far as the process lives."""
    chance = random.Random(seed)
    room, names = Room(), ctypes.create_string_buffer(b"name-1\0\0name-2/x\0")
    for fd in range(4, 8):
        libc.close(fd)
    r, w = os.pipe()
    os.write(w, b"x" * 100)
    a, b = socket.socketpair()
    keep = (r, w, a, b)
    for _ in range(many):
        counter[0] += 1
        call(chance, room, ctypes.addressof(names))
    os._exit(len(keep) - 4)


def main(seed, count):
    """Have processes make them until there are enough."""
    counter = memoryview(mmap.mmap(-1, 4096)).cast("Q")
    number = 0
    while counter[0] < count:
        number += 1
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            calls(f"{seed}-{number}", min(25, count - counter[0]), counter)
        for _ in range(20):
            if os.waitpid(pid, os.WNOHANG)[0]:
                break
            time.sleep(1)
        else:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    print(counter[0], "calls")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
