"""The seccomp filter stops a program at exactly the calls that it should."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.tracing import syscalls

X86_64 = 0xC000003E
ALLOW, TRACE, KILL, NO_SUCH_CALL = 0x7FFF0000, 0x7FF00000, 0x80000000, 0x00050026
NOT_PERMITTED = 0x0005000D
BY_ARGUMENTS = ("mmap", "mremap", "mprotect", "open", "openat")
SIGACTION = syscalls.NUMBERS["rt_sigaction"]
SOMETIMES = {SIGACTION, *(syscalls.TAKING[name] for name in BY_ARGUMENTS)}
STOPPED = {
    *syscalls.NUMBERS.values(),
    *syscalls.FORBIDDEN.values(),
    *syscalls.TAKING.values(),
} - SOMETIMES
POLICED = syscalls.POLICED
CLONE = POLICED["clone"]


def answer(number: int, *arguments: int, machine: int = X86_64) -> int:
    """What the kernel would do with a call, seccomp(2): run the filter on it."""
    given = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=iIQ6Q", number, machine, 0, *given)
    program = list(struct.iter_unpack("=HBBI", syscalls.filter_program()))
    position = word = 0
    while True:
        code, yes, no, value = program[position]
        position += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            (word,) = struct.unpack_from("=I", data, value)
            continue
        holds = {0x15: word == value, 0x35: word >= value, 0x45: word & value != 0}
        position += yes if holds[code] else no


def test_every_number() -> None:
    """All calls of the table that forklab knows are stopped, and no others."""
    special = {syscalls.CLONE3, *POLICED.values(), *SOMETIMES}
    for number in set(range(syscalls.FIRST_UNKNOWN)) - special:
        expected = TRACE if number in STOPPED else ALLOW
        assert answer(number) == expected, f"call {number}"
    assert answer(syscalls.CLONE3) == NO_SUCH_CALL


@given(st.integers(syscalls.FIRST_UNKNOWN, 0x3FFFFFFF))
def test_calls_of_later_kernels(number: int) -> None:
    """Nobody knows what they do."""
    assert answer(number) == NO_SUCH_CALL


@given(st.integers(0x40000000, 0xFFFFFFFF))
def test_foreign_tables(number: int) -> None:
    """The x32 table, and any other machine's, end the program."""
    assert answer(number - (1 << 32) if number >> 31 else number) == KILL
    assert number == X86_64 or answer(0, machine=number) == KILL


@given(st.integers(0, 0xFFFFFFFF))
def test_flags_of_clone(flags: int) -> None:
    """What escapes the tracer, or its parent, is seen by it: clone(2)."""
    escapes = flags & (0x00800000 | 0x00008000 | 0x7E020000)
    assert answer(CLONE, flags) == (TRACE if escapes else ALLOW)


@given(st.integers(0, (1 << 64) - 1))
def test_who_only_asks_for_a_disposition(action: int) -> None:
    """It changes nothing: sigaction(2)."""
    assert answer(SIGACTION, 2, action) == (TRACE if action else ALLOW)
    assert answer(SIGACTION, 2, action << 32 & (1 << 64) - 1) == (
        TRACE if action & 0xFFFFFFFF else ALLOW
    )


REACHING = {
    "another's processor": ("sched_setaffinity", (4711,), (0,)),
    "a user's priority": ("setpriority", (2, 0), (0, 0)),
    "another's priority": ("setpriority", (0, 4711), (1, 0)),
    "another's disk": ("ioprio_set", (1, 4711), (1, 0)),
    "typing": ("ioctl", (0, 0x5412), (0, 0x5401)),
    "a terminal's group": ("ioctl", (0, 0x5410), (0, 0x540F)),
    "a file's version": ("ioctl", (0, 0x40087602), (0, 0x80087601)),
    "a file system's tree": ("ioctl", (0, 0x50009417), (0, 0x5401)),
    "a machine's host": ("socket", (40,), (1,)),
    "a network": ("socket", (2,), (1,)),
    "a new file": ("openat", (0, 0, 0o101), (0, 0, 0o1)),
    "a new terminal": ("openat", (0, 0, 0o2), (0, 0, 0o1)),
    "a file without a name": ("openat", (0, 0, 0o20200001), (0, 0, 0o200000)),
    "being seen": ("prctl", (4,), (36,)),
}


@pytest.mark.parametrize("what", REACHING)
def test_arguments_that_matter(what: str) -> None:
    """The same call is stopped with one argument, and runs freely with another."""
    name, reaching, harmless = REACHING[what]
    number = {**POLICED, **syscalls.NAMING}[name]
    assert answer(number, *reaching) == TRACE
    assert answer(number, *harmless) == ALLOW
    # The kernel takes an int of the register that has it, whatever its upper half.
    above = [1 << 32 | argument for argument in reaching]
    assert answer(number, *above) == TRACE


def test_the_finer_filter_stops_at_all_that_the_other_does() -> None:
    """What is forbidden does not depend on how finely a run is stopped."""
    finer = list(struct.iter_unpack("=HBBI", syscalls.filter_program(fine=True)))
    assert len(finer) <= 4096  # BPF_MAXINSNS
    assert not {*syscalls.NAMING.values()} & {
        *syscalls.FORBIDDEN.values(),
        *POLICED.values(),
    }


LARGE = syscalls.LARGE
READ, WRITE = 1, 2
SHARED, PRIVATE, ANONYMOUS = 0x01, 0x02, 0x20


@pytest.mark.parametrize(
    ("size", "protection", "flags", "stops"),
    [
        (LARGE - 1, READ | WRITE, PRIVATE | ANONYMOUS, False),
        (LARGE, READ | WRITE, PRIVATE | ANONYMOUS, True),
        (1 << 40, READ | WRITE, PRIVATE | ANONYMOUS, True),
        (1 << 40, 0, PRIVATE | ANONYMOUS, False),
        (LARGE, READ, PRIVATE, False),
        (LARGE, READ | WRITE, SHARED | ANONYMOUS, True),
        (4096, READ | WRITE, SHARED | ANONYMOUS, False),
        (4096, READ, SHARED, True),
    ],
)
def test_pieces_of_memory(size: int, protection: int, flags: int, stops: bool) -> None:
    """What stops is a large piece to write to, or one of a file: mmap(2)."""
    found = answer(syscalls.TAKING["mmap"], 0, size, protection, flags)
    assert found == (TRACE if stops else ALLOW)


@given(st.integers(0, (1 << 64) - 1))
def test_pieces_to_be_written_to(size: int) -> None:
    """To make a large piece writable stops: mprotect(2)."""
    number = syscalls.TAKING["mprotect"]
    assert answer(number, 0, size, READ | WRITE) == (TRACE if size >= LARGE else ALLOW)
    assert answer(number, 0, size, READ) == ALLOW


@given(st.integers(0, (1 << 64) - 1))
def test_pieces_that_grow(size: int) -> None:
    """To be given a large piece for another one stops: mremap(2)."""
    found = answer(syscalls.TAKING["mremap"], 0, 0, size)
    assert found == (TRACE if size >= LARGE else ALLOW)


@given(st.integers(0, (1 << 31) - 1))
def test_files_that_are_opened(flags: int) -> None:
    """To open stops where it may make something, and fails for ioctl(2) alone."""
    makes = flags & (os.O_CREAT | os.O_RDWR | os.O_TMPFILE & ~os.O_DIRECTORY)
    expected = TRACE if makes else ALLOW
    if flags & os.O_ACCMODE == os.O_ACCMODE:
        expected = NOT_PERMITTED
    assert answer(syscalls.TAKING["open"], 0, flags) == expected
    assert answer(syscalls.TAKING["openat"], 0, 0, flags) == expected
