"""The page from which a program reads virtual time: its side of `clock.Clock`.

A zygote has no vDSO, vdso(7), so each look at the clock is a system call that the
tracer answers. The interpreter looks whenever it takes a lock, and a stop for each
look would be half of all stops. So in the zygote, and in what is forked from it,
libc's ``clock_gettime`` is replaced by a function that reads virtual time from a page
that the tracer writes. Asked more often in a row than the tracer allowed for, it makes
the call after all: so a program that waits for the time to come is still seen. exec
takes function and page away, execve(2); what follows, `looking` tells.

The zygote imports this module, so it imports little itself.
"""

from __future__ import annotations

import ctypes
import os
from mmap import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    PAGESIZE,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
)

_MAP_FIXED = 0x10  # mmap(2)
_FAILED = ctypes.c_void_p(-1).value

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


def answer_looks(function: bytes, jump: bytes) -> int:
    """Replace libc's ``clock_gettime`` in this process; where its page is.

    `function` is machine code that takes two addresses at its end: those of the page
    and of ``__errno_location``; `jump` is code that goes to the address that follows
    it. All other threads of the process must be elsewhere meanwhile.

    Raises ``OSError`` where the machine does not permit to change code; every look is
    a system call then.
    """
    private = MAP_PRIVATE | MAP_ANONYMOUS
    page = _map(0, PROT_READ, private, -1)  # of zeros: no clock is virtual yet
    code = _map(0, PROT_READ | PROT_WRITE, private, -1)
    errno_location = _address(_libc.__errno_location)
    _copy(code, function + _word(page) + _word(errno_location))
    _protect(code, 1, PROT_READ | PROT_EXEC)

    replaced = _address(_libc.clock_gettime)
    first = replaced & -PAGESIZE  # its first bytes may lie on two pages
    _protect(first, 2, PROT_READ | PROT_WRITE | PROT_EXEC)
    try:
        _copy(replaced, jump + _word(code))
    finally:
        _protect(first, 2, PROT_READ | PROT_EXEC)
    return page


def read_time_from(fd: int, page: int) -> None:
    """Put the clock of this program, a file of one page, where the function reads it.

    Raises ``OSError``, mmap(2).
    """
    _map(page, PROT_READ | PROT_WRITE, MAP_SHARED | _MAP_FIXED, fd)


def _address(function: object) -> int:
    found = ctypes.cast(function, ctypes.c_void_p).value  # type: ignore[arg-type]
    assert found
    return found


def _word(value: int) -> bytes:
    return bytes(ctypes.c_uint64(value))


def _copy(address: int, data: bytes) -> None:
    ctypes.memmove(address, data, len(data))
