"""The beginnings of threads, processes and programs: clone(2), fork(2), execve(2)."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from grader.tracing import ptrace
from grader.tracing.bounds import Bounds
from grader.tracing.deaths import Deaths
from grader.tracing.descriptors import Files, Objects
from grader.tracing.looking import replace_clocks
from grader.tracing.procfs import is_thread
from grader.tracing.recorder import Recorder
from grader.tracing.recording import (
    Executed,
    Forked,
    Process,
    Refused,
    Started,
    ThreadStarted,
)
from grader.tracing.stops import Stops
from grader.tracing.tracee import State, Stir, Thread, Traced
from grader.tracing.turns import Turns

BIRTHS = (ptrace.Event.FORK, ptrace.Event.VFORK, ptrace.Event.CLONE)


class Births:
    """The beginnings of one run, and whether there are too many."""

    def __init__(
        self,
        threads: dict[int, Thread],
        live: dict[int, Traced],
        objects: Objects,
        recorder: Recorder,
        stops: Stops,
        bounds: Bounds,
        turns: Turns,
        deaths: Deaths,
    ) -> None:
        """`threads` and `live` are the tracer's own: who is new is added to them."""
        self._threads = threads
        self._live = live
        self._objects = objects
        self._recorder = recorder
        self._stops = stops
        self._bounds = bounds
        self._turns = turns
        self._deaths = deaths

    def first(self, pid: int, argv: tuple[str, ...]) -> None:
        """The program's first process is there, and waits to be let go."""
        started = Started(index=0, time=0.0, pid=pid, argv=argv)
        record = Process(pid=pid, parent=None, began=started, argv=argv)
        record.events.append(started)
        self._recorder.events.append(started)
        owner = self._add_process(record, 0, Files(pid, self._objects))
        thread = Thread(pid, owner)
        owner.threads[pid] = self._threads[pid] = thread

    def end_newborn(self, thread: Thread, status: int) -> None:
        """A report that nobody follows any more may tell of a new tracee: it is ended.

        Nobody else would wait for it, and so its parent for ever.
        """
        if status >> 16 in BIRTHS and os.WIFSTOPPED(status):
            tid = ptrace.event_message(thread.tid)
            self._threads[tid] = Thread(tid, thread.owner)
            with suppress(ProcessLookupError):
                os.kill(tid, signal.SIGKILL)

    def forked(self, thread: Thread, event: int) -> None:
        """A thread has made another, or a process; `event` says how, ptrace(2)."""
        tid = ptrace.event_message(thread.tid)
        # A new tracee stops before its first instruction.
        ptrace.wait(tid)
        owner = thread.owner
        thread.progressed()
        # A process can be made by clone(2) as well.
        if event == ptrace.Event.CLONE and is_thread(tid, owner.pid):
            new = Thread(tid, owner)
            owner.threads[tid] = self._threads[tid] = new
            self._recorder.record(ThreadStarted, owner.pid, tid=tid)
            self._count(owner)
            return
        began = self._recorder.record(Forked, owner.pid, child=tid)
        parent = owner.record
        record = Process(pid=tid, parent=parent, began=began, argv=parent.argv)
        parent.forked.append(record)
        child = self._add_process(record, owner.depth + 1, owner.files.copy(tid))
        child.has_lines = owner.has_lines
        child.ignores_stops = owner.ignores_stops
        child.is_timed = owner.is_timed
        child.functions, child.called_looks = owner.functions, owner.called_looks
        new = Thread(tid, child)
        child.threads[tid] = self._threads[tid] = new
        child.forked = event == ptrace.Event.FORK
        if event == ptrace.Event.VFORK:
            thread.vfork_child = child
        self._count(owner)

    def executed(self, thread: Thread) -> None:
        """A process executes another program, and is stopped at its start."""
        owner = thread.owner
        former = ptrace.event_message(owner.pid)
        for tid in [tid for tid in owner.threads if tid != owner.pid]:
            # The thread that called exec took over its leader's id, and the others
            # are gone without a word: ptrace(2), "execve(2) under ptrace".
            del owner.threads[tid], self._threads[tid]
        if former != owner.pid or thread.tid != owner.pid:
            call = thread.call
            thread = owner.threads[owner.pid]
            thread.state, thread.hold, thread.call = State.READY, None, call
        owner.forget_memory()
        owner.has_lines = False
        owner.ignores_stops = False
        owner.files.forget()
        owner.functions = owner.called_looks = 0
        try:
            owner.functions = replace_clocks(owner.pid)
        except PermissionError:
            # Its memory is closed to its user, and so to us: ptrace(2), "Ptrace access
            # mode checking". What it does could not be seen.
            what = "of a program that may be run and not read"
            self._recorder.record(Refused, owner.pid, call="execve", detail=what)
            os.kill(owner.pid, signal.SIGKILL)
        try:
            with open(f"/proc/{owner.pid}/cmdline", "rb") as file:
                words = file.read(1 << 16).split(b"\0")[:-1]
            path = os.readlink(f"/proc/{owner.pid}/exe")
        except OSError:
            words, path = [], ""
        argv = tuple(word.decode(errors="replace") for word in words)
        owner.record.argv = argv
        self._deaths.release_vfork(owner)
        kept = tuple(owner.files.list())
        self._recorder.record(Executed, owner.pid, path=path, argv=argv, kept=kept)
        self._turns.stir(Stir.DATA)  # descriptors are closed on exec
        self._stops.resume(thread, to_exit=thread.call is not None)

    def _add_process(self, record: Process, depth: int, files: Files) -> Traced:
        owner = Traced(record.pid, len(self._recorder.processes), depth, record, files)
        self._recorder.add_process(record)
        self._live[record.pid] = owner
        return owner

    def _count(self, owner: Traced) -> None:
        """See whether `owner`, which made one more, has made too many."""
        threads, uncollected = len(self._threads), self._deaths.uncollected
        self._bounds.count_processes(owner.pid, threads, uncollected)
