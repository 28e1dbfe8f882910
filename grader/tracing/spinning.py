"""Programs that were seen spinning before, in an earlier run of the same program.

That a thread gets nowhere shows only after seconds of the processor's time, see
`turns`. A program to which the same has happened up to the same moment does what it
did then, so that it spins there need not be found out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Protocol

from grader.tracing.recording import Event


class Spun(Protocol):
    """Where spinning was seen in runs of a program that was started like this one."""

    def knows(self, moment: bytes) -> bool:
        """Whether it spun at this moment, as `moment` tells them apart."""

    def note(self, moment: bytes) -> None:
        """It did."""


def moment(
    events: Iterable[Event], numbers: Mapping[int, int], now: int, number: int
) -> bytes:
    """What tells where in a run its process `number` is, at the virtual time `now`.

    `numbers` are those of all its processes, whose pids differ from run to run.
    """
    digest = blake2b(repr((number, now)).encode(), digest_size=16)
    for event in events:
        what = type(event).__name__, numbers.get(event.pid), event.time
        digest.update(repr(what).encode())
    return digest.digest()
