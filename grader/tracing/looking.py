"""How executed programs look at the clock: what becomes of their vDSO, vdso(7).

Theory of operation. execve(2) takes away what `timepage` did, and gives the program
functions of the kernel's that read the true time without a call. Where they are, the
program's auxiliary vector says, getauxval(3). So at the exec stop each of them is
replaced in the program's own copy of those pages, as a debugger plants a breakpoint, by
one that reads virtual time from the page of `clock.Clock`, see there, and makes the
call where it may not.

A program has no such page yet, and most look at the clock a few times or never. Its
looks are calls at first, which stop and are answered. At one of the first of them it is
given the page. To put it into its memory takes calls of its own, which it is made to
make there, see `injecting`; the page's descriptor is sent to it through a socket,
unix(7). So all of a run look at the same page, and who looks later sees a later time,
in whichever program.

The functions are found by their names, and whatever else is in there must be known to
tell no time. Where anything is otherwise, the vDSO is hidden: programs find it by the
auxiliary vector alone, and each look is a call for good.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from mmap import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    PAGESIZE,
    PROT_READ,
    PROT_WRITE,
)
from typing import Final, NamedTuple

from grader.tracing import ptrace, syscalls
from grader.tracing.injecting import Injected
from grader.tracing.tracee import Thread

# At which of its looks that are calls a program is given the page: to give it takes
# about as long as these.
GIVEN_AT: Final = 8

_CODE, _PLACES, _CALLS_AT = syscalls.clock_code()

# What else the kernel has there, and what tells no time.
_HARMLESS: Final = frozenset(
    ("clock_getres", "getcpu", "getrandom", "sgx_enter_enclave")
)
_PREFIX: Final = "__vdso_"
_LARGEST: Final = 8 * PAGESIZE

# elf(5), of 64 bits and little-endian.
_KIND: Final = b"\x7fELF\x02\x01"
_HEADER: Final = struct.Struct("=16sHHIQQQIHHHHHH")
_SECTION: Final = struct.Struct("=IIQQQQIIQQ")
_SYMBOL: Final = struct.Struct("=IBBHQQ")
_SHT_DYNSYM: Final = 11
_STT_NOTYPE, _STT_FUNC = 0, 2
_SHN_UNDEF: Final = 0

_MAP_FIXED: Final = 0x10  # mmap(2)
_MESSAGE: Final = struct.Struct("=Qiii")  # struct cmsghdr, and a descriptor


class _Entry(NamedTuple):
    """Where a program's auxiliary vector has an entry, and which address it names."""

    address: int
    names: int


class _Patch(NamedTuple):
    """What to change in a vDSO: bytes, where they belong, and where the code is."""

    start: int
    data: bytes
    code: int


def replace_clocks(pid: int) -> int:
    """Let a program that is stopped at its exec look at virtual time.

    Where in its memory the functions are that it looks with; 0 where it has no vDSO, or
    one that is not as it must be, which is hidden.

    Raises ``PermissionError`` where its memory is closed to us, ptrace(2), and
    ``ProcessLookupError`` where it is gone.
    """
    memory = _open_memory(pid)
    try:
        entry = _entry(pid, memory)
        if entry is None:
            return 0
        with suppress(OSError, OverflowError):
            patch = _patch_at(memory, entry.names)
            # A kernel may not permit to write there, proc_pid_mem(5).
            if patch is not None and _is_written(memory, entry.names, patch):
                return entry.names + patch.code
        os.pwrite(memory, syscalls.IGNORED_ENTRY, entry.address)
        return 0
    finally:
        os.close(memory)


def hide_vdso(pid: int) -> None:
    """Make a program that is stopped at its exec read the clock by system calls."""
    memory = _open_memory(pid)
    try:
        entry = _entry(pid, memory)
        if entry is not None:
            os.pwrite(memory, syscalls.IGNORED_ENTRY, entry.address)
    finally:
        os.close(memory)


def _open_memory(pid: int) -> int:
    return os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)


def _entry(pid: int, memory: int) -> _Entry | None:
    """What a fresh program's auxiliary vector says of its vDSO; None: nothing."""
    registers = syscalls.Registers()
    ptrace.RegisterSet(registers).read(pid)
    # Arguments and environment of ours are short, but a program may pass more.
    stack = b""
    while len(stack) < 1 << 20:
        try:
            block = os.pread(memory, 1 << 12, registers.rsp + len(stack))
        except (OSError, OverflowError):  # of a program of 32 bits, for one
            return None
        if not block:
            return None
        stack += block
        offset = syscalls.vdso_entry(stack)
        if offset is not None:
            (names,) = struct.unpack_from("=Q", stack, offset + 8)
            return _Entry(registers.rsp + offset, names)
    return None


def _is_written(memory: int, vdso: int, patch: _Patch) -> bool:
    return os.pwrite(memory, patch.data, vdso + patch.start) == len(patch.data)


def _image(data: bytes) -> bytes:
    """The pages of a vDSO, of what lies in memory from its start on."""
    if len(data) < _HEADER.size:
        return b""
    return data[: -(-_end(data) // PAGESIZE) * PAGESIZE]


def _end(image: bytes) -> int:
    """Where its section headers end, which are the last of it."""
    header = _HEADER.unpack_from(image)
    return int(header[6] + header[11] * header[12])


# The vDSO that was seen last, and what to change in it: most likely all are the same.
_last: tuple[bytes, _Patch | None] = b"", None


def _patch_at(memory: int, vdso: int) -> _Patch | None:
    """What to change in the vDSO at that address; None where it is not understood."""
    global _last
    image, patch = _last
    if not image or os.pread(memory, len(image), vdso) != image:
        image = _image(os.pread(memory, _LARGEST, vdso))
        patch = _patch_of(image)
        _last = image, patch
    return patch


def _patch_of(image: bytes) -> _Patch | None:
    """What to change in this vDSO; None where it is not understood."""
    try:
        functions = dict(_functions(image))
    except (struct.error, ValueError, OverflowError):
        return None
    if functions.keys() - _PLACES.keys() - _HARMLESS:
        return None
    replaced = {functions[name]: name for name in functions.keys() & _PLACES.keys()}
    starts = sorted({at for at, _ in functions.values()})
    if not replaced or not all(_is_whole(at, image, starts) for at in replaced):
        return None
    code = _room(image, sorted(replaced))
    if code is None:
        return None
    changed = bytearray(image)
    changed[code : code + len(_CODE)] = _CODE
    for (at, _), name in replaced.items():
        jump = syscalls.short_jump(code + _PLACES[name] - at)
        changed[at : at + len(jump)] = jump
    differs = [place for place in range(len(image)) if image[place] != changed[place]]
    first, last = differs[0], differs[-1]
    return _Patch(first, bytes(changed[first : last + 1]), code)


def _is_whole(function: tuple[int, int], image: bytes, starts: list[int]) -> bool:
    """Whether a function can be replaced, without harm to those that start there."""
    at, size = function
    within = any(at < start < at + size for start in starts)
    return size >= syscalls.SHORT_JUMP and at + size <= len(image) and not within


def _functions(image: bytes) -> Iterator[tuple[str, tuple[int, int]]]:
    """The names of all functions of a vDSO, and where they are, and how large.

    Raises ``struct.error``, ``ValueError`` or ``OverflowError`` where that is not told.
    """
    header = _HEADER.unpack_from(image)
    if not header[0].startswith(_KIND) or header[11] != _SECTION.size:
        raise ValueError("of another kind")
    sections = [
        _SECTION.unpack_from(image, header[6] + number * _SECTION.size)
        for number in range(header[12])
    ]
    (symbols,) = (section for section in sections if section[1] == _SHT_DYNSYM)
    if symbols[6] >= len(sections):
        raise ValueError("symbols without names")
    names = sections[symbols[6]][4]
    for at in range(symbols[4], symbols[4] + symbols[5], _SYMBOL.size):
        name, info, _, section, value, size = _SYMBOL.unpack_from(image, at)
        if section != _SHN_UNDEF and info & 0xF in (_STT_FUNC, _STT_NOTYPE):
            start = names + name
            text = image[start : image.index(b"\0", start)].decode()
            yield text.removeprefix(_PREFIX), (value, size)


def _room(image: bytes, replaced: list[tuple[int, int]]) -> int | None:
    """Where the code fits: where a function was, or behind everything.

    It is aligned, as its first word must be. None where it does not fit.
    """
    for at, size in replaced:
        start = _aligned(at + syscalls.SHORT_JUMP)
        if start + len(_CODE) <= at + size:
            return start
    start = _aligned(_end(image))
    unused = image[start : start + len(_CODE)]
    return start if unused == bytes(len(_CODE)) else None


def _aligned(at: int) -> int:
    return -(-at // 16) * 16


def give_page(thread: Thread, functions: int, descriptor: int) -> int | None:
    """Let the program of a thread that is stopped before a call read a clock's page.

    `functions` is where it looks with, as `replace_clocks` said, `descriptor` the file
    of that page. Where the program lacks what it takes, as room for a descriptor, it
    goes on as before. What the thread reports, waitpid(2), where it was killed
    meanwhile; otherwise None, and it is stopped where it was.

    Raises ``ProcessLookupError`` where it was killed before.
    """
    # Who shares its memory, vfork(2), may have been given the page; and a program
    # may have done something else with the memory of its vDSO.
    if thread.owner.read(functions, len(_CODE)) != _CODE:
        return None
    try:
        with Injected(thread.tid, functions + _CALLS_AT) as injected:
            page = _map(injected, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1)
            if page > 0 and not (
                _is_shared(injected, thread, page, descriptor)
                and ptrace.force_memory(thread.pid, functions, struct.pack("=Q", page))
            ):
                injected.make(syscalls.MUNMAP, page, PAGESIZE)
    except ProcessLookupError:
        raise
    except OSError:  # a kernel that does not know to block its signals
        return None
    return injected.status


def _map(injected: Injected, address: int, flags: int, descriptor: int) -> int:
    protection = PROT_READ | PROT_WRITE
    arguments = address, PAGESIZE, protection, flags, descriptor, 0
    return injected.make(syscalls.MMAP, *arguments)


def _is_shared(injected: Injected, thread: Thread, page: int, descriptor: int) -> bool:
    """Put the file of a page where a program has one of its own; whether that is done.

    The program's own page is used for what its calls need in memory.
    """
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    if injected.make(syscalls.SOCKETPAIR, socket.AF_UNIX, kind, 0, page) != 0:
        return False
    ends = struct.unpack("=2i", thread.owner.read(page, 8).ljust(8, b"\xff"))
    received = -1
    try:
        if _is_sent(thread, ends[0], descriptor):
            received = _received(injected, thread, page, ends[1])
        flags = MAP_SHARED | _MAP_FIXED
        return received >= 0 and _map(injected, page, flags, received) == page
    finally:
        for opened in (*ends, received):
            if opened >= 0:
                injected.make(syscalls.NUMBERS["close"], opened)


def _is_sent(thread: Thread, end: int, descriptor: int) -> bool:
    """Send `descriptor` through a thread's end of a socket; whether that is done."""
    try:
        borrowed = ptrace.borrow_descriptor(thread.pid, end)
        with socket.socket(fileno=borrowed) as ours:
            # A thread can have descriptors that are not its process's, clone(2).
            theirs = os.stat(f"/proc/{thread.pid}/task/{thread.tid}/fd/{end}")
            if not os.path.samestat(os.fstat(borrowed), theirs):
                return False
            return socket.send_fds(ours, [b"."], [descriptor]) == 1
    except OSError:
        return False


def _received(injected: Injected, thread: Thread, page: int, end: int) -> int:
    """Which descriptor a program is given that was sent there, recvmsg(2); or -1."""
    # struct msghdr, struct iovec, and room for a byte and for struct cmsghdr.
    vector, byte, control, size = page + 56, page + 72, page + 80, 24
    header = struct.pack("=7Q", 0, 0, vector, 1, control, size, 0)
    if not thread.owner.write(page, header + struct.pack("=2Q", byte, 1)):
        return -1
    flags = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
    if injected.make(syscalls.NUMBERS["recvmsg"], end, page, flags) != 1:
        return -1
    data = thread.owner.read(control, _MESSAGE.size)
    if len(data) < _MESSAGE.size:
        return -1
    *kind, received = _MESSAGE.unpack(data)
    if kind != [_MESSAGE.size, socket.SOL_SOCKET, socket.SCM_RIGHTS]:
        return -1
    return int(received)
