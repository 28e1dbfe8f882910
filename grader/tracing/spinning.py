"""Programs that were seen spinning before, in an earlier run of the same program.

That a thread gets nowhere shows only after seconds of the processor's time, see
`turns`. A program to which the same has happened up to the same moment does what it
did then, so that it spins there need not be found out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Protocol

from grader.tracing.recording import Event, Started


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

    Runs that were started with other arguments are for others to tell apart.
    `numbers` are those of all its processes, whose pids differ from run to run.
    """
    digest = blake2b(repr((number, now)).encode(), digest_size=16)
    for event in events:
        # Each run has a folder of its own, which is in the name of the program.
        if not isinstance(event, Started):
            digest.update(repr(_without_pids(event, numbers)).encode())
    return digest.digest()


def _without_pids(value: object, numbers: Mapping[int, int]) -> object:
    """What a value says, but for lines, with their numbers for pids."""
    if is_dataclass(value):
        names = [field.name for field in fields(value) if field.name != "line"]
        told = [getattr(value, name) for name in names]
        return type(value).__name__, _without_pids(told, numbers)
    if isinstance(value, dict):
        return _without_pids([*value.items()], numbers)
    if isinstance(value, list | tuple):
        return [_without_pids(one, numbers) for one in value]
    if type(value) is int and value in numbers:
        return "process", numbers[value]
    return value
