"""Virtual time: what a traced program's clocks say.

It moves by a microsecond a step, so that time never stands still for a program
that looks, and jumps when every process waits and one of them for time.
"""

from __future__ import annotations

import struct
import time

NANO = 1_000_000_000
_STEP = 1_000

# Some interpreters look at the clock whenever they take a lock, so a few looks in a
# row mean nothing. This many are somebody who waits for the time to come.
MANY_LOOKS = 2_000

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
    """The virtual clock of one run, in nanoseconds since the program started."""

    def __init__(self) -> None:
        self.now = 0
        self._base = {
            number: time.clock_gettime_ns(like) for number, like in _VIRTUAL.items()
        }

    @property
    def seconds(self) -> float:
        return self.now / NANO

    def step(self) -> None:
        self.now += _STEP

    def knows(self, clock: int) -> bool:
        """Whether `clock` is virtual."""
        return clock in self._base

    def read(self, clock: int, looks: int = 0) -> int:
        """What `clock` says, in nanoseconds.

        A program that looks again and again and does nothing else waits for time
        to pass: the more looks in a row, the further the clock moves at each.
        """
        step = _STEP
        if looks > MANY_LOOKS:
            step = int(min(_STEP * 1.01 ** (looks - MANY_LOOKS), NANO / 10))
        self.now += step
        return self._base[clock] + self.now

    def until(self, clock: int, moment: int) -> int:
        """The virtual time at which `clock` says `moment`."""
        return moment - self._base[clock]


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
