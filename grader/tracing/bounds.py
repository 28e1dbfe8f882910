"""Whether a run has gone over one of its limits; the first that it did ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sized

from grader.tracing.clock import NANO
from grader.tracing.limits import THREADS, Limits
from grader.tracing.procfs import cpu_time
from grader.tracing.recording import Excess, Limit
from grader.tracing.taking import Taken
from grader.tracing.tracee import Thread, Traced

# How often it is looked how much time was used, in seconds.
_TIME_LOOKED_AT = 0.01


class Bounds:
    """The limits of one run; `excess` is how it went over one, if it did."""

    def __init__(
        self,
        limits: Limits,
        taken: Taken,
        live: Mapping[int, Traced],
        events: Sized,
        line_of: Callable[[int], int | None],
    ) -> None:
        """`live` and `events` are the tracer's own, and change as the run goes on.

        `line_of` says at which line a process is, given its pid.
        """
        self.excess: Excess | None = None
        self._limits = limits
        self._taken = taken
        self._live = live
        self._events = events
        self._line_of = line_of
        self._started = time.monotonic()
        self._time_due = 0.0
        self._cpu_of_ended = 0.0

    def are_exceeded(self, running: Thread | None) -> bool:
        """Whether the run is over; `running` is the thread whose step it is."""
        most = self._limits.events
        if len(self._events) > most:
            self.exceed(Excess(Limit.EVENTS, len(self._events), most))
        now = time.monotonic()
        if now >= self._taken.memory.due:
            self._check_memory(running)
        if now >= self._time_due:
            self._time_due = now + _TIME_LOOKED_AT
            self._check_time(now - self._started)
        return self.excess is not None

    def exceed(self, excess: Excess, pid: int | None = None) -> None:
        """End the run, unless another limit has ended it. `pid` went over this one."""
        if self.excess is None:
            line = self._line_of(pid) if pid else None
            self.excess = excess._replace(pid=pid, line=line)

    def count_processes(self, pid: int, threads: int, uncollected: int) -> None:
        """The process `pid` has made another, or a thread: see if there are too many.

        There are so many threads now, and so many processes ended uncollected.
        """
        most = self._limits.processes
        for limit, count, allowed in (
            (Limit.PROCESSES, len(self._live), most),
            (Limit.THREADS, threads, THREADS * most),
            (Limit.ZOMBIES, uncollected, THREADS * most),
        ):
            if count > allowed:
                self.exceed(Excess(limit, count, allowed), pid)

    def count_cpu(self, owner: Traced) -> None:
        """A process ends: what it used of the processor stays used."""
        owner.record.cpu_seconds = cpu_time(owner.pid) / NANO
        self._cpu_of_ended += owner.record.cpu_seconds

    def count_as_used(self, seconds: float) -> None:
        """So much of the processor's time counts as used, though it was not."""
        self._cpu_of_ended += seconds
        self._time_due = 0.0

    def _check_memory(self, running: Thread | None) -> None:
        if self._taken.memory.is_too_much(self._live):
            pid = running.pid if running else None
            self.exceed(self._taken.excess_memory(), pid)

    def _check_time(self, real: float) -> None:
        """See what was used: `real` seconds since the run began, and the processor."""
        if real > self._limits.real_seconds:
            self.exceed(Excess(Limit.REAL_TIME, real, self._limits.real_seconds))
        used = self._cpu_of_ended + sum(cpu_time(pid) for pid in self._live) / NANO
        if used > self._limits.cpu_seconds:
            self.exceed(Excess(Limit.PROCESSOR, used, self._limits.cpu_seconds))
