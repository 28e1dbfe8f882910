"""The page from which a program reads virtual time: its side of `clock.Clock`.

A zygote has no vDSO, vdso(7), so each look at the clock is a system call that the
tracer answers. The interpreter looks whenever it takes a lock, and a stop for each
look would be half of all stops. So in the zygote, and in what is forked from it,
libc's ``clock_gettime`` is replaced by a function that reads virtual time from a page
that the tracer writes. Asked more often in a row than the tracer allowed for, it makes
the call after all: so a program that waits for the time to come is still seen. exec
takes function and page away, execve(2); what follows, `looking` tells.

Those looks that the interpreter takes for a lock tell the program nothing: it has asked
for none of them, and is not told what they saw. The function counts them apart. It
knows them by where it returns to, and by where that function returns to, whose frame is
always of one size: both are found out here, on locks that are free.

The zygote imports this module, so it imports little itself.
"""

from __future__ import annotations

import _thread
import ctypes
import os
import time
from mmap import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    PAGESIZE,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
)

TYPE_CHECKING = False  # typing itself is too large to import here
if TYPE_CHECKING:
    from collections.abc import Callable

_MAP_FIXED = 0x10  # mmap(2)
_FAILED = ctypes.c_void_p(-1).value

_WORD = 8  # bytes
_NOTED = 64  # words of the stack that are noted
_LONGEST_FUNCTION = 1 << 10  # the one that takes locks, in bytes

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    *[ctypes.c_int] * 3,
    ctypes.c_long,
]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def _map(address: int, protection: int, flags: int, fd: int) -> int:
    found: int | None = _libc.mmap(address, PAGESIZE, protection, flags, fd, 0)
    if found is None or found == _FAILED:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "mmap")
    return found


def _protect(address: int, pages: int, protection: int) -> None:
    if _libc.mprotect(address, pages * PAGESIZE, protection) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "mprotect")


def answer_looks(function: bytes, jump: bytes, note_callers: bytes) -> int:
    """Replace libc's ``clock_gettime`` in this process; where its page is.

    `function` is machine code that takes five words at its end: the addresses of the
    page and of ``__errno_location``, and what tells a look for a lock, see `_locks`;
    `jump` is code that goes to the address that follows it, `note_callers` code that
    writes what is on the stack to the first of two addresses, and goes to the second.
    All other threads of the process must be elsewhere meanwhile.

    Raises ``OSError`` where the machine does not permit to change code; every look is
    a system call then.
    """
    private = MAP_PRIVATE | MAP_ANONYMOUS
    page = _map(0, PROT_READ, private, -1)  # of zeros: no clock is virtual yet
    code = _map(0, PROT_READ | PROT_WRITE, private, -1)
    words = code + len(function)
    noting = words + 5 * _WORD
    notes = (ctypes.c_uint64 * _NOTED)()
    errno_location = _address(_libc.__errno_location)
    _copy(code, function + _words(page, errno_location, 0, 0, 0))
    _copy(noting, note_callers + _words(ctypes.addressof(notes), code))
    _protect(code, 1, PROT_READ | PROT_WRITE | PROT_EXEC)

    replaced = _address(_libc.clock_gettime)
    first = replaced & -PAGESIZE  # its first bytes may lie on two pages
    _protect(first, 2, PROT_READ | PROT_WRITE | PROT_EXEC)
    try:
        _copy(replaced, jump + _words(noting))
        _copy(words + 2 * _WORD, _words(*_locks(notes)))
        _copy(replaced, jump + _words(code))
    finally:
        _protect(first, 2, PROT_READ | PROT_EXEC)
        _protect(code, 1, PROT_READ | PROT_EXEC)
    return page


def _locks(notes: ctypes.Array[ctypes.c_uint64]) -> tuple[int, int, int]:
    """What is on the stack when a lock looks at the clock, and at no other look.

    Where the look returns to, how far from that in bytes another address is, and that
    one, which is in the function that takes locks. Zeros where that is not found.
    """

    def noted(look: Callable[[], object]) -> list[int]:
        ctypes.memset(notes, 0, ctypes.sizeof(notes))
        look()
        return list(notes)

    lock = _thread.allocate_lock()
    taken = noted(lambda: lock.acquire(False))
    begin = _address(ctypes.pythonapi.PyThread_acquire_lock_timed)
    within = range(begin, begin + _LONGEST_FUNCTION)
    place = next((n for n, word in enumerate(taken) if n and word in within), 0)
    known = taken[0], taken[place]
    with open(os.devnull, "rb") as file:
        agrees = noted(lambda: file.read(1))
    looks = time.monotonic, time.time, time.perf_counter, lambda: time.sleep(0)
    others = [noted(look) for look in looks]
    if not place or (agrees[0], agrees[place]) != known:
        return 0, 0, 0
    if any((other[0], other[place]) == known for other in others):
        return 0, 0, 0
    return taken[0], place * _WORD, taken[place]


def read_time_from(fd: int, page: int) -> None:
    """Put the clock of this program, a file of one page, where the function reads it.

    Raises ``OSError``, mmap(2).
    """
    _map(page, PROT_READ | PROT_WRITE, MAP_SHARED | _MAP_FIXED, fd)


def _address(function: object) -> int:
    found = ctypes.cast(function, ctypes.c_void_p).value  # type: ignore[arg-type]
    assert found
    return found


def _words(*values: int) -> bytes:
    return bytes((ctypes.c_uint64 * len(values))(*values))


def _copy(address: int, data: bytes) -> None:
    ctypes.memmove(address, data, len(data))
