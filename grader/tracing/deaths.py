"""The ends of threads and processes, and what their parents are told.

With a fine schedule a process may end in two steps: its descriptors are closed, others
may run, and only then is it a zombie.
"""

from __future__ import annotations

import os
import signal

from grader.tracing import ptrace
from grader.tracing.bounds import Bounds
from grader.tracing.calls.polls import TIMEOUTS
from grader.tracing.calls.signals import has_bit
from grader.tracing.procfs import NO_SIGNALS, Signals
from grader.tracing.recorder import Recorder
from grader.tracing.recording import End, Ended, Ending, Orphaned, Process, SignalSent
from grader.tracing.stops import Stops
from grader.tracing.tracee import Call, State, Stir, Thread, Traced
from grader.tracing.turns import Turns


class Deaths:
    """The ends of one run.

    `ending` are the threads between the two steps of their end; `uncollected` is how
    many processes have ended that nobody has waited for.
    """

    def __init__(
        self,
        threads: dict[int, Thread],
        live: dict[int, Traced],
        recorder: Recorder,
        stops: Stops,
        bounds: Bounds,
        turns: Turns,
        *,
        fine: bool,
    ) -> None:
        """`threads` and `live` are the tracer's own: who is gone is taken from them.

        `fine` says whether ends take two steps, `Schedule.fine`.
        """
        self.ending: list[Thread] = []
        self.uncollected = 0
        self._threads = threads
        self._live = live
        self._recorder = recorder
        self._stops = stops
        self._bounds = bounds
        self._turns = turns
        self._fine = fine

    def exiting(self, thread: Thread) -> None:
        """A thread is about to end, and perhaps its whole process with it."""
        owner = thread.owner
        alive = [t for t in owner.threads.values() if t.state is not State.GONE]
        others = [t for t in alive if t is not thread]
        dying = [t for t in others if self._stops.is_woken(t)]
        last = len(dying) == len(others)
        if self._stops.tells_lines:
            killed = ptrace.event_message(thread.tid) & 0x7F
            owner.last_line = None if killed else self._stops.line_of(owner.pid)
        self._stops.at = None
        if last:
            owner.record.open_at_end = owner.files.list()
            self._bounds.count_cpu(owner)
            theirs = self.signals_of_parent(owner.record)
        if len(owner.threads) == 1 and self._ends_in_two_steps(owner):
            self._recorder.record(Ending, owner.pid, line=owner.last_line)
            self._stops.resume(thread)
            ptrace.wait_for_end(thread.tid)
            self.ending.append(thread)
            self._turns.stir(Stir.DATA | Stir.LOCK)
            return
        self._stops.resume(thread)
        for other in dying:
            self._stops.to_its_end(other)
        if not last and thread.tid == owner.pid:
            thread.state = State.GONE  # a leader stays until its last thread ends
            return
        ending = list(owner.threads.values()) if last else [thread]
        for one in sorted(ending, key=lambda t: t.tid == owner.pid):
            status = self._stops.until_dead(one)
            owner.threads.pop(one.tid, None)
            self._threads.pop(one.tid, None)
            one.state = State.GONE
        if last:
            self._ended(owner, status, theirs)
        else:
            self._turns.stir(Stir.LOCK)  # whoever joins it waits for its futex

    def died(self, thread: Thread, status: int) -> None:
        """A thread is gone without having said so before: it was killed."""
        owner = thread.owner
        owner.threads.pop(thread.tid, None)
        self._threads.pop(thread.tid, None)
        thread.state = State.GONE
        if not owner.threads:
            self._ended(owner, status, self.signals_of_parent(owner.record))

    def end(self, thread: Thread) -> None:
        """The second step of an end: the parent is told."""
        owner = thread.owner
        self.ending.remove(thread)
        thread.state = State.GONE
        theirs = self.signals_of_parent(owner.record)
        status = ptrace.wait(thread.tid)
        del owner.threads[thread.tid], self._threads[thread.tid]
        self._ended(owner, status, theirs)

    def end_before_it_is_seen(self, thread: Thread, call: Call) -> None:
        """A pidfd tells of an end at once, and not before it can be collected."""
        by_pidfd = call.name == "waitid" and call.arguments[0] == os.P_PIDFD
        if by_pidfd or (call.name in TIMEOUTS and thread.owner.files.has_pidfd()):
            while self.ending:
                self.end(self.ending[0])

    def tell_parent(self, record: Process, theirs: Signals) -> None:
        """A process ended or stopped: its parent is sent SIGCHLD, signal(7).

        `theirs` are the parent's signals before that.
        """
        parent = record.parent
        traced = self._live.get(parent.pid) if parent else None
        if traced is None or record.orphaned:
            return
        if has_bit(theirs.ignored, signal.SIGCHLD):
            if record.ended is not None:
                record.discarded = True
                self.uncollected -= 1
        elif record.ended is not None or not traced.ignores_stops:
            alone = len(traced.threads) == 1
            self._recorder.record(
                SignalSent,
                record.pid,
                signal=signal.SIGCHLD,
                target=traced.pid,
                merged=has_bit(theirs.shared, signal.SIGCHLD),
                blocked=alone and has_bit(theirs.blocked, signal.SIGCHLD),
            )
        for thread in traced.threads.values():
            thread.alert()

    def signals_of_parent(self, record: Process) -> Signals:
        """Those of a process's parent, which tell what a SIGCHLD does there now."""
        traced = self._live.get(record.parent.pid) if record.parent else None
        return NO_SIGNALS if traced is None else traced.signals()

    def release_vfork(self, child: Traced) -> None:
        """Its parent waits no more: it has ended, or executes another program."""
        for thread in self._threads.values():
            if thread.vfork_child is child:
                thread.vfork_child = None

    def _ends_in_two_steps(self, owner: Traced) -> bool:
        """Whether others may run when its descriptors are closed, before it has ended.

        Only who reads its pipes could see that.
        """
        record = owner.record
        return (
            self._fine
            and record.parent is not None
            and record.parent.pid in self._live
            and not any(child.pid in self._live for child in record.forked)
            and any(isinstance(end, End) for end in record.open_at_end.values())
        )

    def _ended(self, owner: Traced, status: int, theirs: Signals) -> None:
        """A process is gone, and its parent can see it."""
        owner.forget_memory()
        del self._live[owner.pid]
        for leader in [t for t in self._threads.values() if t.owner is owner]:
            del self._threads[leader.tid]
        record = owner.record
        killed = os.WIFSIGNALED(status)
        record.ended = self._recorder.record(
            Ended,
            owner.pid,
            line=None if killed else owner.last_line,
            exit_code=None if killed else os.WEXITSTATUS(status),
            signal=os.WTERMSIG(status) if killed else None,
        )
        self.uncollected += 1
        self.release_vfork(owner)
        for child in record.forked:
            if child.ended is None and child.orphaned is None:
                child.orphaned = self._recorder.record(
                    Orphaned, child.pid, parent=owner.pid
                )
        self.tell_parent(record, theirs)
        self._turns.stir(Stir.DATA | Stir.LOCK)
