"""Stopping a thread that runs on and on, and seeing whether it gets anywhere.

It computes, or looks at the clock, or goes round in a loop without a call. What is
found out here is noted in the thread; `turns` decides what follows.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Final

from grader.tracing import ptrace, syscalls
from grader.tracing.bounds import Bounds
from grader.tracing.caches import Caches
from grader.tracing.clock import MANY_LOOKS, NANO, Clock
from grader.tracing.lines import SourceLines
from grader.tracing.loops import look_for_loop
from grader.tracing.spinning import Seen
from grader.tracing.stops import Stops
from grader.tracing.tracee import Thread
from grader.tracing.turns import SLICE, Turns

# In place of a status: the thread was let run on.
RUNS_ON: Final = -1

# What part of the patience is enough for one that spins where it has all been used.
_LESS_WHERE_IT_SPUN = 25

# After how many slices of the processor's time without a call it is worth looking for
# a loop without an end.
_LOOKED_AT = (1, 4, 16, 64)


def count_looks(clock: Clock, thread: Thread) -> bool:
    """Whether a thread has looked at the clock since its last stop."""
    thread.told_time -= clock.count_locks()
    looked = clock.count_looks()
    if not looked:
        return False
    thread.looks += looked
    thread.told_time += looked
    return True


def watches_clock(thread: Thread) -> bool:
    """Whether it waits for time to pass, and others shall run meanwhile."""
    if thread.looks < max(MANY_LOOKS, thread.next_turn):
        return False
    thread.next_turn = thread.looks + 100
    return True


class Preempting:
    """Stops the threads of one run whose slice of the processor's time is over."""

    def __init__(
        self,
        clock: Clock,
        turns: Turns,
        stops: Stops,
        bounds: Bounds,
        seen: Seen,
        caches: Caches,
        lines: Callable[[], SourceLines | None],
    ) -> None:
        """`seen` is where the program was seen spinning before.

        `caches` knows the interpreter that it is a fork of, and `lines` gives who finds
        the lines of the program.
        """
        self._caches = caches
        self._lines = lines
        self._unknown = 0
        self._clock = clock
        self._turns = turns
        self._stops = stops
        self._bounds = bounds
        self._seen = seen

    def slice_of(self, thread: Thread) -> int:
        """How long it runs before it is to be stopped, in nanoseconds.

        Who was in a loop before is looked at as soon as it runs without a call.
        """
        owner = thread.owner
        if owner.may_loop is None:
            owner.may_loop = self._seen.has_looped(thread)
        return 0 if owner.may_loop else SLICE

    def preempt(self, thread: Thread) -> int | None:
        """Stop a thread that runs on and on, and see whether it gets anywhere.

        None where it does not: its step is over. `RUNS_ON` where it was let run on,
        otherwise the status that it reports.
        """
        try:
            ptrace.interrupt(thread.tid)
        except ProcessLookupError:
            return ptrace.wait(thread.tid)
        status = ptrace.wait(thread.tid)
        if status >> 16 != ptrace.Event.STOP or os.WSTOPSIG(status) != signal.SIGTRAP:
            return status
        if count_looks(self._clock, thread):
            # A look is a call, if one that did not stop it.
            if watches_clock(thread):
                return None
            self._stops.resume(thread)
            return RUNS_ON
        if thread.owner.may_loop:
            # Where it is in none, its slice has only begun.
            thread.owner.may_loop = False
            report = self._look_for_loop(thread)
            if report is None and thread not in self._turns.looping:
                self._stops.resume(thread)
                return RUNS_ON
            thread.spins += report is None
            return report
        thread.spins += 1
        most = self._turns.most_spins(thread)
        if self._was_seen_spinning(thread) or self._spins_again(thread):
            pass
        elif thread.spins in _LOOKED_AT and thread.spins < most:
            report = self._look_for_loop(thread)
            if report is not None:
                return report
        # How far it gets in a slice depends on the machine, so a slice's end is not
        # a moment for others to go on. Threads that share their process's memory are
        # the exception: one may wait until the others ask it to make way.
        shares = len(thread.owner.threads) > 1
        if shares or thread.spins >= most or self._bounds.excess is not None:
            thread.spun = True
        if thread.spun:
            return None
        self._stops.resume(thread)
        return RUNS_ON

    def _look_for_loop(self, thread: Thread) -> int | None:
        """See whether it is in a loop; its status where it is stopped otherwise."""
        looked = look_for_loop(thread, self._caches)
        if looked.loops and not count_looks(self._clock, thread):
            self._turns.looping.add(thread)
            thread.spun = thread.owner.may_loop = True
            self._seen.note_loop(thread)
        return looked.status

    def _was_seen_spinning(self, thread: Thread) -> bool:
        """Whether it spun here in an earlier run; it then counts as spinning at once.

        What it used of the processor then counts as used, so that the limit of that
        does not depend on which run came first.
        """
        if thread.spins != 1 or not self._needs_patience(thread):
            return False
        if not self._seen.knows(thread):
            return False
        thread.owner.spun({self._line_of(thread)})
        self._give_up(thread)
        return True

    def _spins_again(self, thread: Thread) -> bool:
        """Whether it is where patience came to its end twice, and comes to it now.

        That takes less where it has only handled a signal since, say, but not where it
        went on by itself, see `Thread.progressed`. The processor's time counts as if it
        had taken as much.
        """
        if not self._needs_patience(thread):
            return False
        owner, most = thread.owner, self._turns.most_spins(thread)
        if thread.spins == 1:
            thread.spins_at.clear()
        if owner.spun_at or thread.spins >= most // 2:
            thread.spins_at.add(self._line_of(thread))
        less = max(most // _LESS_WHERE_IT_SPUN, 1)
        known = bool(owner.spun_at) and thread.spins_at <= owner.spun_at
        if known and less <= thread.spins < most:
            self._give_up(thread)
        if thread.spins < most:
            return False
        owner.spun(thread.spins_at)
        self._seen.note(thread)
        return True

    def _needs_patience(self, thread: Thread) -> bool:
        """Whether more than one slice is asked for, and no other thread has a part."""
        return self._turns.most_spins(thread) > 1 and len(thread.owner.threads) == 1

    def _give_up(self, thread: Thread) -> None:
        """It counts as spinning from now on, as if it had for long."""
        most = self._turns.most_spins(thread)
        self._bounds.count_as_used((most - thread.spins) * SLICE / NANO)
        thread.spins = most

    def _line_of(self, thread: Thread) -> int:
        """The line of the program that it is at; one of its own where none is known.

        Those of different calls of this are never the same then.
        """
        lines = self._lines() if thread.owner.has_lines else None
        if lines is not None:
            registers = syscalls.Registers()
            ptrace.RegisterSet(registers).read(thread.tid)
            line = lines.line(thread.owner.read, registers.fs_base)
            if line is not None:
                return line
        self._unknown -= 1
        return self._unknown
