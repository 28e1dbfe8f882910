"""Proving that a thread goes round for ever.

A thread alone in its process that comes back to a state it was in before, every
register and every byte of memory the same, with nothing between but calls that told
it nothing new, does so for ever: nothing that it looks at can have changed. ``while
True: pass`` comes back within a few dozen instructions, which are stepped through one
by one, ptrace(2); a loop that asks ``waitpid`` again and again, at the next call. So
does one that only sleeps, until somebody else does something, where all is the same
but what time it was. What the interpreter notes for itself alone may differ, `caches`.

Where it is in its files, and in which folder, say, only the kernel knows; that has to
be the same too, `_known_to_kernel`. And nothing is proven of one whose use of the
processor may send it a signal, nor of one that reads the processor's own clock.

What does not come back, a loop that counts, say, is not proven: the caller then falls
back on how much of the processor it used.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from mmap import PAGESIZE
from typing import NamedTuple

from grader.tracing import ptrace, syscalls
from grader.tracing.caches import Caches
from grader.tracing.procfs import contents
from grader.tracing.tracee import MANY_CALLS, Thread, Traced

_INSTRUCTIONS = 2000
_MOST_MEMORY = 32 << 20
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Looked:
    """What stepping through a thread has shown.

    `status` is a report of another kind that came instead of a step: its thread is
    stopped in it, waitpid(2).
    """

    loops: bool
    status: int | None = None


def look_for_loop(thread: Thread, caches: Caches) -> Looked:
    """Step through a stopped thread, and see whether it comes back to where it is.

    The thread is stopped afterwards, and a little further on.
    """
    if len(thread.owner.threads) > 1:
        return Looked(False)
    start = object()
    if not _contents.keep(start, thread.owner):
        return Looked(False)
    now = syscalls.Registers()
    room = ptrace.RegisterSet(now)
    places = set()
    try:
        room.read(thread.tid)
        state = bytes(now)
        vectors = ptrace.get_vector_registers(thread.tid)
        for _ in range(_INSTRUCTIONS):
            ptrace.single_step(thread.tid)
            status = ptrace.wait(thread.tid)
            if not os.WIFSTOPPED(status) or status >> 8 != signal.SIGTRAP:
                return Looked(False, status)
            room.read(thread.tid)
            places.add(now.rip)
            if bytes(now) == state:
                same = (
                    ptrace.get_vector_registers(thread.tid) == vectors
                    and not any(_asks_processor(thread.owner, at) for at in places)
                    and _contents.are_still(start, thread.owner, caches)
                )
                return Looked(same)
    except ProcessLookupError:  # killed while it was stopped
        status = ptrace.wait(thread.tid)
        return Looked(False, status)
    return Looked(False)


# Instructions that tell something else each time: rdtsc, rdtscp, rdpmc, and of those
# that begin so, which are told apart by their third byte, rdrand, rdseed and rdpid.
_TELLING = (b"\x0f\x31", b"\x0f\x01\xf9", b"\x0f\x33")
_MAY_TELL = b"\x0f\xc7"
_PREFIXES = bytes((0x66, 0xF2, 0xF3, *range(0x40, 0x50)))


def _asks_processor(owner: Traced, address: int) -> bool:
    """Whether an instruction may say something else each time, with all as it was."""
    code = owner.read(address, 15).lstrip(_PREFIXES)
    if code.startswith(_MAY_TELL):
        return code[2:3] >= b"\xf0"
    return code.startswith(_TELLING)


@dataclass(slots=True, eq=False)
class Mark:
    """The state of a thread at the end of a call, to see whether it comes back.

    It was told the time so often, `Thread.told_time`, and what it saw was always new.
    """

    registers: bytes
    told_time: int
    tries: int = 3


# After how many calls without effect it is worth looking whether they come back.
_MARKED_AT = (MANY_CALLS, 1024)


def comes_back(thread: Thread, caches: Caches) -> bool:
    """Whether a thread at a call's exit is where it was at an earlier one.

    To be asked at each call that had no effect, before anything else happened.
    """
    if thread.fruitless < _MARKED_AT[0] or len(thread.owner.threads) > 1:
        return False
    registers = syscalls.Registers()
    ptrace.RegisterSet(registers).read(thread.tid)
    if thread.fruitless in _MARKED_AT:
        here = Mark(bytes(registers), thread.told_time)
        thread.mark = here if _contents.keep(here, thread.owner) else None
        return False
    mark = thread.mark
    if not isinstance(mark, Mark) or mark.registers != bytes(registers):
        return False
    if mark.told_time != thread.told_time:
        return False
    mark.tries -= 1
    if mark.tries < 0:
        thread.mark = None
        return False
    return _contents.are_still(mark, thread.owner, caches)


# After how many sleeps that nothing came of it is worth looking whether they come back.
# The interpreter changes code that it runs for the first few times.
_NAPS_MARKED_AT = (16, 48)
_NAPS_COMPARED = 4


@dataclass(slots=True, eq=False)
class Nap:
    """Where a thread was when its sleep was over; nobody else ran in this `stretch`."""

    stretch: int
    place: tuple[int, int]
    naps: int
    told_time: int
    tries: int = _NAPS_COMPARED


def sleeps_on(thread: Thread, sleeps: int, stretch: int, caches: Caches) -> bool:
    """Whether a thread, whose sleep is over, was in this state after an earlier one.

    To be asked after each one of so many `sleeps`. `stretch` is another number as soon
    as somebody else has run. The stack of a Python program, which has what it loops
    over elsewhere, may tell when that sleep ended; it is not looked at, nor are
    programs of other kinds. So it must not have been told the time but for the one look
    that each sleep takes.
    """
    owner = thread.owner
    if not owner.has_lines or owner.was_idle:
        return False
    nap = thread.nap if isinstance(thread.nap, Nap) else None
    if nap is not None and nap.stretch != stretch:
        nap = thread.nap = None
    marked = sleeps in _NAPS_MARKED_AT
    if not marked and nap is None:
        return False
    registers = syscalls.Registers()
    ptrace.RegisterSet(registers).read(thread.tid)
    place = registers.rip, registers.rsp
    if marked:
        nap = Nap(stretch, place, sleeps, thread.told_time)
        thread.nap = nap if _contents.keep(nap, owner, stack=False) else None
        return False
    assert nap is not None
    nap.tries -= 1
    if nap.tries == 0:
        thread.nap = None
    return (
        nap.place == place
        and thread.told_time - nap.told_time == sleeps - nap.naps
        and _contents.are_still(nap, owner, caches)
    )


_OF_STATUS = re.compile(rb"^(?:Umask|(?:Sig|Shd)(?:Pnd|Blk|Ign|Cgt)):.*", re.MULTILINE)


def _known_to_kernel(owner: Traced) -> object:
    """What calls change that need not stop, and that is not in a process's memory.

    Where it is in its files, and in which folder; its mask and its signals,
    proc_pid_status(5); and its limits. None where it is gone.
    """
    folder = f"/proc/{owner.pid}"
    try:
        status = _OF_STATUS.findall(contents(f"{folder}/status"))
        there = os.readlink(f"{folder}/cwd"), contents(f"{folder}/limits")
    except OSError:
        return None
    return owner.files.states(), status, there


class _Contents:
    """All that a process could change, as it was at one moment.

    What a fork has not written to since, it shares with who made it. So pages that it
    shares at both moments are the same, unless it has forked in between, and none of
    them is looked at.

    There is room for one process's: to get the kernel's pages for a copy takes longer
    than to make it.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._now = bytearray()
        self._map = b""
        self._areas: list[_Area] = []
        self._alone: list[bytes] = []
        self._blocks: list[tuple[int, memoryview[int]]] = []
        self._children = 0
        self._known: object = None
        self._of: object = None
        self._stack = True
        self._differed = 0

    def keep(self, moment: object, owner: Traced, *, stack: bool = True) -> bool:
        """Copy them, in place of others; whether they are not too much for that.

        `stack`: with that of its first thread.
        """
        if owner.is_timed:
            self._of = None
            return False
        self._of, self._stack, self._map = moment, stack, _map(owner.pid)
        self._known = _known_to_kernel(owner)
        self._areas = [
            area for area in _writable(self._map) if stack or area.name != b"[stack]"
        ]
        self._alone = _its_alone(owner.pid, self._areas)
        self._children = len(owner.record.forked)
        self._blocks.clear()
        ranges = [*_ranges(self._areas, self._alone)]
        size = sum(end - start for start, end in ranges)
        if size > _MOST_MEMORY:
            self._of = None
            return False
        if size > len(self._kept):
            self._kept = bytearray(size)
        room = memoryview(self._kept)
        for start, end in ranges:
            for address in range(start, end, _BLOCK):
                size = min(_BLOCK, end - address)
                self._blocks.append((address, room[:size]))
                room = room[size:]
        return all(owner.read_into(start, room) for start, room in self._blocks)

    def are_still(self, moment: object, owner: Traced, caches: Caches) -> bool:
        """Whether they are as they were kept at that moment.

        But for what `caches` explain, in a fork of the interpreter that they know. To
        be asked where all that is not in memory is as it was.
        """
        if (
            self._of is not moment
            or self._children != len(owner.record.forked)
            or _map(owner.pid) != self._map
            or self._known is None
            or _known_to_kernel(owner) != self._known
        ):
            return False
        if _its_alone(owner.pid, self._areas) != self._alone:
            # Perhaps it was the other who wrote there. What is next is compared to now.
            self.keep(moment, owner, stack=self._stack)
            return False
        blocks = self._blocks
        # What has changed once is what most likely has changed again.
        first = min(self._differed, len(blocks))
        for number, (start, room) in enumerate([*blocks[first:], *blocks[:first]]):
            if len(self._now) != len(room):
                self._now = bytearray(len(room))
            if not owner.read_into(start, memoryview(self._now)):
                return False
            # Not a view of it: views are compared byte by byte.
            if self._now == room:
                continue
            self._differed = (first + number) % len(blocks)
            if not owner.has_lines or not caches.explain(
                owner.read, start, room, self._now
            ):
                return False
        return True


_contents = _Contents()


class _Area(NamedTuple):
    """An area of a process's memory; `shared` with others that may write to it."""

    start: int
    end: int
    shared: bool
    name: bytes

    @property
    def pages(self) -> int:
        return (self.end - self.start) // PAGESIZE


def _map(pid: int) -> bytes:
    """The areas of a process's memory as the kernel lists them, proc_pid_maps(5)."""
    return contents(f"/proc/{pid}/maps")


def _writable(areas: bytes) -> Iterator[_Area]:
    """Those of the listed areas that the process can write to."""
    for line in areas.split(b"\n")[:-1]:
        area, permissions, _, _, _, *name = line.split(maxsplit=5)
        # What the program sees in the page of its clock, the tracer knows.
        if permissions[1:2] == b"w" and b"/memfd:virtual-time" not in line:
            start, _, end = area.partition(b"-")
            shared = permissions[3:] == b"s"
            yield _Area(int(start, 16), int(end, 16), shared, b"".join(name).strip())


# The last byte of what proc_pid_pagemap(5) says of a page has a bit for one that is
# mapped by this process alone, for one of a file, which may change without the process,
# and for one that lies in swap.
_ENTRY = 8
_ITS_ALONE = bytes(bool(byte & 0b0110_0001) for byte in range(256))

# Fewer pages than this between two others are copied with them: that takes less time
# than to begin anew.
_GAP = 4
_TOGETHER = re.compile(b"\1(?:\0{0,%d}\1)*" % (_GAP - 1))


def _its_alone(pid: int, areas: Sequence[_Area]) -> list[bytes]:
    """For each page of each area, 1 where nobody else has it, 0 where others do.

    An area that others may write to is as if it had no others, and so are all where
    the kernel was built without that file.
    """
    try:
        pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return [b"\1" * area.pages for area in areas]
    found = []
    for area in areas:
        pages = b"\1" * area.pages
        if not area.shared:
            size, place = area.pages * _ENTRY, area.start // PAGESIZE * _ENTRY
            entries = os.pread(pagemap, size, place)
            pages = entries[_ENTRY - 1 :: _ENTRY].translate(_ITS_ALONE)
        found.append(pages)
    os.close(pagemap)
    return found


def _ranges(
    areas: Sequence[_Area], alone: Sequence[bytes]
) -> Iterator[tuple[int, int]]:
    """Where such pages lie."""
    for area, pages in zip(areas, alone, strict=True):
        for some in _TOGETHER.finditer(pages):
            begin, end = some.span()
            yield area.start + begin * PAGESIZE, area.start + end * PAGESIZE
