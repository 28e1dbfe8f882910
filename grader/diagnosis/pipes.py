"""Pipes: who holds which end, what went through, and when."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from grader.diagnosis.finding import found, name
from grader.diagnosis.history import Held, Holdings, described, place_to_close
from grader.tracing.recording import (
    End,
    PipeMade,
    Process,
    Read,
    Recording,
    Side,
    Wrote,
)
from grader.verdict import Finding


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


def sent(writers: Iterable[Process]) -> dict[int, bytes]:
    """What went into each pipe that `writers` wrote to."""
    parts: dict[int, list[bytes]] = {}
    for writer in writers:
        for event in writer.of(Wrote):
            if isinstance(event.target, End) and event.count:
                parts.setdefault(event.target.pipe, []).append(event.data)
    return {pipe: b"".join(data) for pipe, data in parts.items()}


def arrived(run: Recording) -> set[int]:
    """The pipes that the first process read anything from."""
    ends = {e.source for e in run.root.of(Read) if e.count and not e.error}
    return {end.pipe for end in ends if isinstance(end, End)}


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
    held = Holdings(run).before(index).of(process.pid)
    return next((held[fd] for fd in sorted(held) if held[fd].end == end), None)


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
