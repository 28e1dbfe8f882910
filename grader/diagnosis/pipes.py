"""Pipes: who holds which end, what went through, and when."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from grader.diagnosis.finding import found, name
from grader.diagnosis.history import Held, described, held_before, place_to_close
from grader.tracing.recording import (
    Closed,
    Duplicated,
    End,
    Ended,
    Event,
    Executed,
    Forked,
    PipeMade,
    Process,
    Read,
    Recording,
    Side,
    Wrote,
)
from grader.verdict import Finding


class Holdings:
    """Which process has which pipe ends open, event by event.

    A replay of the recording: `advance` it to an event's index, then ask.
    """

    def __init__(self, run: Recording) -> None:
        self._events = iter(run.events)
        self._next: Event | None = next(self._events, None)
        self._open: dict[int, dict[int, End]] = {}

    def before(self, index: int) -> Holdings:
        """The state just before the event `index`; only forwards."""
        while self._next is not None and self._next.index < index:
            self._apply(self._next)
            self._next = next(self._events, None)
        return self

    def _apply(self, event: Event) -> None:
        table = self._open.setdefault(event.pid, {})
        if isinstance(event, PipeMade):
            table[event.read_fd] = End(event.pipe, Side.READ)
            table[event.write_fd] = End(event.pipe, Side.WRITE)
        elif isinstance(event, Forked):
            self._open[event.child] = dict(table)
        elif isinstance(event, Duplicated):
            if event.old_fd in table:
                table[event.new_fd] = table[event.old_fd]
            else:
                table.pop(event.new_fd, None)
        elif isinstance(event, Closed):
            table.pop(event.fd, None)
        elif isinstance(event, Executed):
            # Python's descriptors are closed on exec, PEP 446, but for the standard
            # streams.
            self._open[event.pid] = {fd: e for fd, e in table.items() if fd < 3}
        elif isinstance(event, Ended):
            self._open.pop(event.pid, None)

    def descriptors(self, pid: int, end: End) -> list[int]:
        """The descriptors under which a process has `end` open."""
        table = self._open.get(pid, {})
        return sorted(fd for fd, held in table.items() if held == end)

    def holders(self, end: End) -> list[int]:
        """The processes that have `end` open."""
        return sorted(pid for pid in self._open if self.descriptors(pid, end))


def written(process: Process, pipe: int) -> list[Wrote]:
    """What a process wrote into a pipe."""
    end = End(pipe, Side.WRITE)
    return [e for e in process.of(Wrote) if e.target == end and e.count]


def writes_to_any(process: Process) -> bool:
    """Whether a process wrote anything into any pipe."""
    return any(isinstance(e.target, End) and e.count for e in process.of(Wrote))


def was_cut_off(writer: Process, pipe: int) -> bool:
    """Whether a write failed because nobody could read any more: EPIPE, write(2)."""
    end = End(pipe, Side.WRITE)
    return any(e.error == errno.EPIPE for e in writer.of(Wrote) if e.target == end)


def read(process: Process, pipe: int) -> list[Read]:
    """What a process read from a pipe, ends of file included."""
    end = End(pipe, Side.READ)
    return [e for e in process.of(Read) if e.source == end and not e.error]


def used_pipe(run: Recording, writers: Iterable[Process]) -> int | None:
    """The pipe through which one of `writers` sent most to the first process."""
    sent: dict[int, int] = {}
    for writer in writers:
        for event in writer.of(Wrote):
            if isinstance(event.target, End):
                pipe = event.target.pipe
                sent[pipe] = sent.get(pipe, 0) + event.count
    arrived = {
        pipe: count
        for pipe, count in sent.items()
        if any(event.count for event in read(run.root, pipe))
    }
    return max(arrived, key=lambda pipe: arrived[pipe], default=None)


def made(run: Recording) -> list[PipeMade]:
    """The pipes that the program made."""
    return run.of(PipeMade)


def write_end_kept(run: Recording, reader: Process, pipe: int) -> list[Finding]:
    """The reader has a write end open when it first reads."""
    first = next(iter(read(reader, pipe)), None)
    index = first.index if first else len(run.events)
    held = _kept(run, index, reader, End(pipe, Side.WRITE))
    if held is None:
        return []
    return [
        found(
            "write-end-open",
            f"{name(run, reader)} reads from the pipe while it still holds the pipe's "
            f"write end open ({described(held.fd, held)}): close it "
            f"{place_to_close(held)}",
            run,
        )
    ]


def read_end_kept(run: Recording, writer: Process, pipe: int) -> list[Finding]:
    """The writer still has a read end open when it writes the last time."""
    events = written(writer, pipe)
    if not events:
        return []
    held = _kept(run, events[-1].index, writer, End(pipe, Side.READ))
    if held is None:
        return []
    return [
        found(
            "read-end-open",
            f"{name(run, writer)} writes into the pipe and keeps the pipe's read end "
            f"open ({described(held.fd, held)}), which it does not use: close it "
            f"{place_to_close(held)}",
            run,
        )
    ]


def _kept(run: Recording, index: int, process: Process, end: End) -> Held | None:
    """The first descriptor under which it has `end` open, just before an event."""
    for (pid, _), held in sorted(held_before(run, index).items()):
        if pid == process.pid and held.end == end:
            return held
    return None


def leaks(run: Recording) -> list[Finding]:
    """Processes that ended with many pipe ends still open."""
    findings = []
    for process in run.processes:
        ends = [t for t in process.open_at_end.values() if isinstance(t, End)]
        if len(ends) > 1:
            findings.append(
                found(
                    "descriptor-leak",
                    f"{name(run, process)} ended with {len(ends)} pipe ends still open",
                    run,
                )
            )
    return findings
