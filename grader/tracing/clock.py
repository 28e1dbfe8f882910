"""Virtual time: what a traced program's clocks say.

It moves by a microsecond a step, so that time never stands still for a program
that looks, and jumps when every process waits and one of them for time.

It lies in a page that the program shares, whose own looks move it too, see
`timepage`, and `looking` for programs that are executed: the first word is the time,
the second how many more looks are free of a stop, the third how many looks were for a
lock, the fourth and the fifth by how much time moves at a look, and by what part of
that more at the next. Then comes what each clock said at the start, 0 where it is not
virtual. To programs that are executed each look is a microsecond.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time

NANO = 1_000_000_000
_STEP = 1_000

# Some interpreters look at the clock whenever they take a lock, so a few looks in a
# row mean nothing. This many are somebody who waits for the time to come.
MANY_LOOKS = 2_000

# So many looks in a row the program may make before one of them stops it.
_FREE_LOOKS = 64

_NOW, _FREE, _LOCKS, _MOVES, _GROWS, _BASES = range(6)  # the words of the page

# To one that waits for the time to come it goes ever faster: at each look by so much
# more, and by no more than that, in nanoseconds.
_GROWTH = 1.01
_LONGEST_STEP = NANO // 10
_GROWTH_OF_PAGE = int((_GROWTH - 1) * (1 << 16))

# <linux/fcntl.h>, fcntl(2); Python names them from 3.13 on.
_ADD_SEALS = 1033
_SEAL, _SEAL_SHRINK, _SEAL_GROW = 1, 2, 4

# The clocks that count the processor's time are the kernel's own; all others are
# answered here, clock_gettime(2).
_VIRTUAL = {
    time.CLOCK_REALTIME: time.CLOCK_REALTIME,
    time.CLOCK_MONOTONIC: time.CLOCK_MONOTONIC,
    4: time.CLOCK_MONOTONIC,  # CLOCK_MONOTONIC_RAW
    5: time.CLOCK_REALTIME,  # CLOCK_REALTIME_COARSE
    6: time.CLOCK_MONOTONIC,  # CLOCK_MONOTONIC_COARSE
    7: time.CLOCK_BOOTTIME,
    8: time.CLOCK_REALTIME,  # CLOCK_REALTIME_ALARM
    9: time.CLOCK_BOOTTIME,  # CLOCK_BOOTTIME_ALARM
    11: time.CLOCK_TAI,
}


class Clock:
    """The virtual clock of one run: it is `now`, in nanoseconds since it started.

    `descriptor` is the file whose page the program reads it from.
    """

    def __init__(self) -> None:
        flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        self.descriptor = os.memfd_create("virtual-time", flags)
        os.ftruncate(self.descriptor, mmap.PAGESIZE)
        # A program that shrank it would take the page away from the tracer too.
        fcntl.fcntl(self.descriptor, _ADD_SEALS, _SEAL | _SEAL_SHRINK | _SEAL_GROW)
        self._page = mmap.mmap(self.descriptor, mmap.PAGESIZE)
        self._words: memoryview[int] | list[int] = memoryview(self._page).cast("q")
        self._base = {
            number: time.clock_gettime_ns(like) for number, like in _VIRTUAL.items()
        }
        for number, base in self._base.items():
            self._words[_BASES + number] = base
        self._allowed = self._moves = 0
        self.pass_to(0)
        self.allow_looks(free=True)

    def pass_to(self, moment: int) -> None:
        """Let it be `moment`, in virtual nanoseconds."""
        self.now = self._words[_NOW] = moment

    def allow_looks(self, *, free: bool, looks: int = 0) -> None:
        """Whether looks need not stop the program from now on.

        It has made so many `looks` in a row.
        """
        allowed = _FREE_LOOKS if free else 0
        if 0 <= MANY_LOOKS - looks < allowed:
            allowed = MANY_LOOKS - looks  # by the next, time moves further
        if allowed != self._allowed:
            self._allowed = self._words[_FREE] = allowed
        moves = _step_after(looks)
        if moves != self._moves:
            self._moves = self._words[_MOVES] = moves
            self._words[_GROWS] = _GROWTH_OF_PAGE if moves > _STEP else 0

    def count_looks(self) -> int:
        """How many looks stopped nobody, since this was last asked.

        To be asked whenever the program has run: its looks have moved the time.
        """
        left = self._words[_FREE]
        if left == self._allowed:
            return 0
        looks = self._allowed - min(max(left, 0), self._allowed)
        moment = self._words[_NOW]
        longest = _STEP
        if self._moves > _STEP:
            longest = min(int(self._moves * _GROWTH**looks), _LONGEST_STEP)
            self._moves = 0  # it has grown
        if not self.now <= moment <= self.now + looks * longest:
            moment = self.now  # the program wrote there itself
        self.pass_to(moment)
        self._words[_FREE] = self._allowed
        return looks

    def count_locks(self) -> int:
        """How many looks were for a lock, since this was last asked.

        They tell the program nothing. It may be asked at any time.
        """
        locks = self._words[_LOCKS]
        if locks:
            self._words[_LOCKS] = 0
        return max(locks, 0)

    def close(self) -> None:
        """Give the page back. The clock keeps what it said last."""
        words = self._words
        if isinstance(words, memoryview):
            self._words = words.tolist()
            words.release()
            self._page.close()
            os.close(self.descriptor)

    @property
    def seconds(self) -> float:
        return self.now / NANO

    def step(self) -> None:
        self.now = self._words[_NOW] = self.now + _STEP

    def knows(self, clock: int) -> bool:
        """Whether `clock` is virtual."""
        return clock in self._base

    def read(self, clock: int, looks: int = 0) -> int:
        """What `clock` says, in nanoseconds.

        A program that looks again and again and does nothing else waits for time
        to pass: the more looks in a row, the further the clock moves at each.
        """
        self.pass_to(self.now + _step_after(looks))
        return self._base[clock] + self.now

    def until(self, clock: int, moment: int) -> int:
        """The virtual time at which `clock` says `moment`."""
        return moment - self._base[clock]


def _step_after(looks: int) -> int:
    """By how much time moves at a look, after so many in a row, in nanoseconds."""
    if looks <= MANY_LOOKS:
        return _STEP
    # Beyond that many it is the longest, and their power would be no number.
    return min(int(_STEP * _GROWTH ** min(looks - MANY_LOOKS, 9999)), _LONGEST_STEP)


def timespec(nanoseconds: int) -> bytes:
    """``struct timespec``."""
    return struct.pack("=qq", *divmod(nanoseconds, NANO))


def timeval(nanoseconds: int) -> bytes:
    """``struct timeval``."""
    seconds, rest = divmod(nanoseconds, NANO)
    return struct.pack("=qq", seconds, rest // 1000)


def from_timespec(data: bytes) -> int | None:
    """Nanoseconds of a ``struct timespec``; None where it is not a valid one."""
    if len(data) < 16:
        return None
    seconds, rest = struct.unpack("=qq", data[:16])
    if seconds < 0 or not 0 <= rest < NANO:
        return None
    return int(seconds * NANO + rest)


def from_timeval(data: bytes) -> int | None:
    """Nanoseconds of a ``struct timeval``; None where it is not a valid one."""
    if len(data) < 16:
        return None
    seconds, rest = struct.unpack("=qq", data[:16])
    if seconds < 0 or rest < 0:
        return None
    return int(seconds * NANO + rest * 1000)
