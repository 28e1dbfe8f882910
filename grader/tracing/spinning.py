"""Programs that were seen spinning before, in an earlier run of the same program.

That a thread gets nowhere shows only after seconds of the processor's time, or after
tens of thousands of calls that came to nothing, see `turns`. A program to which the
same has happened up to the same moment does what it did then, so that it gets nowhere
there need not be found out again.

What was proven in one run, see `loops`, is proven again in the next: there it is only
known earlier that it is worth the time to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Protocol

from grader.tracing.clock import Clock
from grader.tracing.recording import Event, Process, Started
from grader.tracing.tracee import Thread, Vain


class Spun(Protocol):
    """Where spinning was seen in runs of a program that was started like this one."""

    def knows(self, moment: bytes) -> bool:
        """Whether it spun at this moment, as `_moment` tells them apart."""

    def note(self, moment: bytes) -> None:
        """It did."""

    def got_nowhere_until(self, moment: bytes) -> int | None:
        """Until when it was seen to get nowhere from that moment on, if it was."""

    def note_nowhere(self, moment: bytes, until: int) -> None:
        """It was, until that virtual time, in nanoseconds."""

    def has_looped(self, number: int) -> bool:
        """Whether the process `number` was proven to be in a loop, in any run."""

    def note_loop(self, number: int) -> None:
        """It was."""


class Seen:
    """Whether the threads of one run are where spinning was seen before, if ever."""

    def __init__(
        self,
        spun: Spun | None,
        events: Sequence[Event],
        processes: Iterable[Process],
        clock: Clock,
    ) -> None:
        """`events` and `processes` are the run's own, and grow as it goes on."""
        self._spun = spun
        self._events = events
        self._processes = processes
        self._clock = clock

    def knows(self, thread: Thread) -> bool:
        """Whether it spun where it is now; to be asked after its first slice there."""
        if self._spun is None:
            return False
        thread.spins_since = len(self._events)
        return self._spun.knows(self._moment(thread))

    def in_vain(self, thread: Thread, counts: tuple[int, ...]) -> Vain:
        """Where it is, that makes so many calls which come to nothing, and until when.

        The same as before, unless something has come of a call since.
        """
        vain = thread.vain
        grown = vain is not None and all(
            now >= then for now, then in zip(counts, vain.counts, strict=True)
        )
        if vain is None or not grown:
            moment = self._moment(thread)
            spun = self._spun
            until = None if spun is None else spun.got_nowhere_until(moment)
            vain = thread.vain = Vain(moment, len(self._events), counts, until)
        return vain

    def note_in_vain(self, vain: Vain) -> None:
        """All patience was used up from there on, and nothing came of it."""
        if self._spun is not None:
            self._spun.note_nowhere(vain.moment, self._clock.now)

    def has_looped(self, thread: Thread) -> bool:
        """Whether its process was in a loop in an earlier run, anywhere."""
        return self._spun is not None and self._spun.has_looped(thread.number)

    def note_loop(self, thread: Thread) -> None:
        """It is proven to be in one."""
        if self._spun is not None and not self.has_looped(thread):
            self._spun.note_loop(thread.number)

    def note(self, thread: Thread) -> None:
        """It does spin, unless something has happened since `knows` was asked."""
        if self._spun is not None and thread.spins_since == len(self._events):
            self._spun.note(self._moment(thread))

    def _moment(self, thread: Thread) -> bytes:
        numbers = {process.pid: n for n, process in enumerate(self._processes)}
        which = thread.number, [*thread.owner.threads].index(thread.tid)
        return _moment(self._events, numbers, self._clock.now, which)


def _moment(
    events: Iterable[Event],
    numbers: Mapping[int, int],
    now: int,
    which: tuple[int, int],
) -> bytes:
    """What tells where in a run a thread is, at the virtual time `now`.

    It is known by the numbers of its process and of its own there. Runs that were
    started with other arguments are for others to tell apart.
    `numbers` are those of all its processes, whose pids differ from run to run.
    """
    digest = blake2b(repr((which, now)).encode(), digest_size=16)
    for event in events:
        # Each run has a folder of its own, which is in the name of the program.
        if not isinstance(event, Started):
            digest.update(repr(_without_pids(event, numbers)).encode())
    return digest.digest()


def _number(digits: bytes, numbers: Mapping[int, int]) -> bytes:
    """What stands in a text instead of a pid; other numbers for themselves."""
    number = numbers.get(int(digits)) if len(digits) < 10 else None
    return digits if number is None else b"process %d" % number


def _without_pids(value: object, numbers: Mapping[int, int]) -> object:
    """What a value says, but for lines, with their numbers for pids."""
    if is_dataclass(value):
        names = [field.name for field in fields(value) if field.name != "line"]
        told = [getattr(value, name) for name in names]
        return type(value).__name__, _without_pids(told, numbers)
    if isinstance(value, dict):
        return _without_pids([*value.items()], numbers)
    if isinstance(value, bytes):  # programs print pids
        return re.sub(rb"\d+", lambda found: _number(found[0], numbers), value)
    if isinstance(value, list | tuple):
        return [_without_pids(one, numbers) for one in value]
    if type(value) is int and value in numbers:
        return "process", numbers[value]
    return value
