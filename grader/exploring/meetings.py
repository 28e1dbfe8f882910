"""What a choice comes between: where two processes meet.

Many choices are alike: each of five children may end before the same line of their
parent. A search that has few runs had better make one of each kind first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from grader.exploring.choices import Decision, Turn
from grader.tracing.recording import End, Event, Recording, SignalDelivered, Wrote

# What a step did, as far as steps of other processes, or other rounds, do the same.
Kind = tuple[object, ...]

# What whoever is kept waiting did last and was about to do, and what the other does.
Meeting = tuple[Kind | None, Kind | None, Kind | None]

# Handlers that a process was called for before, as far as they are told apart.
_MOST_HANDLED = 2


def is_in_handler(meeting: Meeting | None) -> bool:
    """Whether who is kept waiting was called for a signal before.

    What a second signal does there is what programs expect least.
    """
    return meeting is not None and any(kind and kind[0] for kind in meeting[:2])


class Meetings:
    """The steps of a run by what they did, and whose they were."""

    def __init__(self, recording: Recording, processes: Sequence[int]) -> None:
        """`processes` are the numbers of those whose steps they were."""
        self._of: dict[int, list[int]] = {}
        for step, process in enumerate(processes):
            self._of.setdefault(process, []).append(step)
        self._kinds = _kinds(recording)

    def of(self, decision: Decision, turn: Turn) -> Meeting:
        """What `turn` would come between, in place of who had it."""
        last, coming = self._around(decision.usual.process, decision.step)
        _, other = self._around(turn.process, decision.step)
        return last, coming, other

    def _around(self, process: int, moment: int) -> tuple[Kind | None, Kind | None]:
        """What a process did last before a step of the run, and did next."""
        steps = self._of.get(process, [])
        later = bisect_left(steps, moment)
        last = self._kinds[steps[later - 1]] if later else None
        coming = self._kinds[steps[later]] if later < len(steps) else None
        return last, coming


def _kinds(recording: Recording) -> list[Kind]:
    handled: dict[int, int] = {}
    kinds = []
    for step, events in recording.by_step():
        for event in events:
            if isinstance(event, SignalDelivered) and event.action == "handler":
                times = handled.get(event.pid, 0) + 1
                handled[event.pid] = min(times, _MOST_HANDLED)
        kinds.append((handled.get(step.pid, 0), *map(_kind, events)))
    return kinds


def _kind(event: Event) -> object:
    if isinstance(event, Wrote):
        return Wrote, isinstance(event.target, End)
    return type(event)
