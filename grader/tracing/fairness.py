"""Nobody who can go on is held back for ever.

A schedule that prefers one process shows what comes of that, and no kernel does so for
long. One that always has something to do would run until it may do no more, and others
that it waits for would never come: that would be the schedule's fault.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized

from grader.tracing.schedule import Able, Chooser, take_turns

# Somebody who could have run at so many looks in a row, and never did, is held back.
_MOST_PASSED = 16

# All these looks together take this part of what may happen in a run, in events, and
# no less than that.
_PART, _LEAST = 0.4, 5000


class Fairness:
    """Has all take turns once somebody was held back for long, to the run's end.

    For long is while the others did a large part of what may be done in a run: whatever
    a schedule is chosen to show, it shows before.
    """

    def __init__(self, events: Sized, most_events: int) -> None:
        """`events` are those of the run so far; it ends when there are too many."""
        self._events = events
        self._between = round(max(_PART * most_events, _LEAST) / _MOST_PASSED)
        self._next = self._between
        self._ran: set[int] = set()  # since the last look
        self._passed: dict[int, int] = {}  # at so many looks in a row
        self._turns: Chooser | None = None

    @property
    def reigns(self) -> bool:
        """Whether all take turns from now on."""
        return self._turns is not None

    def among(self, able: Sequence[Able]) -> Sequence[Able]:
        """Those of them that the schedule may choose from."""
        if self._turns is None and len(self._events) >= self._next:
            self._look(able)
        chosen = self._turns(able, False) if self._turns else None
        return able if chosen is None else [chosen]

    def ran(self, thread: Able) -> None:
        """It is its turn."""
        self._ran.add(thread.tid)

    def _look(self, able: Sequence[Able]) -> None:
        self._next = len(self._events) + self._between
        passed = [thread.tid for thread in able if thread.tid not in self._ran]
        self._passed = {tid: self._passed.get(tid, 0) + 1 for tid in passed}
        self._ran.clear()
        if _MOST_PASSED in self._passed.values():
            self._turns = take_turns.start()
