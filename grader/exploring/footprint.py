"""What each step of a run touched, and which steps cannot affect each other.

Two processes that do not touch the same thing may take their steps in any order, and
everything is as before: only the other orders are worth a run of their own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from enum import IntEnum, auto

from grader.diagnosis.history import Holdings
from grader.tracing.recording import (
    Closed,
    Continued,
    End,
    Ended,
    Ending,
    Event,
    FileNamed,
    GroupJoined,
    HandlerSet,
    Orphaned,
    Read,
    Recording,
    Side,
    SignalSent,
    Stopped,
    Stream,
    Target,
    WaitBegan,
    Waited,
    Wrote,
)


class Mode(IntEnum):
    """How a thing is touched; a number, since those are looked up many times faster."""

    LOOKS = auto()  # at what others change
    JOINS = auto()  # changes it, as others do in any order: they close, they end
    CHANGES = auto()


Thing = tuple[object, ...]
Touch = tuple[Thing, Mode]


def affects(one: Mode, other: Mode) -> bool:
    """Whether the order of two touches of the same thing matters."""
    return not (one is other and one is not Mode.CHANGES)


def footprints(recording: Recording, *, output: bool = False) -> list[set[Touch]]:
    """What each step touched; `output`: also what is printed where.

    What a call without an event found out is not known here: none is let through the
    filter whose answer depends on what others do, but for getppid(2).
    """
    listening = {
        event.pid
        for event in recording.of(HandlerSet)
        if event.signal == signal.SIGCHLD and event.disposition == "handler"
    }
    found = []
    held = Holdings(recording)
    for step, events in recording.by_step():
        # Every process can be signalled, and outlive its parent, at any moment.
        touches: set[Touch] = {
            (("signals", step.pid), Mode.LOOKS),
            (("parent", step.pid), Mode.LOOKS),
        }
        for event in events:
            if not _is_unheard(event, listening):
                now = held.before(event.index)
                touches.update(_touches(event, recording, output, now))
        found.append(touches)
    return found


def _is_unheard(event: Event, listening: set[int]) -> bool:
    """Whether a child's end is told to a parent that does not listen."""
    return (
        isinstance(event, SignalSent)
        and event.signal == signal.SIGCHLD
        and event.target not in listening
    )


def _touches(
    event: Event, recording: Recording, output: bool, held: Holdings
) -> Iterator[Touch]:
    if isinstance(event, (Ending, Ended)):
        process = recording.process(event.pid)
        for target in process.open_at_end.values() if process else ():
            if isinstance(target, End):
                yield _end(target), Mode.JOINS
    if isinstance(event, Read):
        yield _thing(event.source), Mode.CHANGES
        yield from _looks_at_ends(event.pid, event.source, held)
    elif isinstance(event, Wrote):
        if output or not isinstance(event.target, Stream):
            yield _thing(event.target), Mode.CHANGES
            yield from _looks_at_ends(event.pid, event.target, held)
    elif isinstance(event, Closed):
        if isinstance(event.end, End):
            yield _end(event.end), Mode.JOINS
    elif isinstance(event, WaitBegan):
        for target in event.waiting.ends:
            yield _thing(target), Mode.LOOKS
            yield from _looks_at_ends(event.pid, target, held)
        if event.waiting.target is not None:
            yield ("children", event.pid), Mode.LOOKS
    elif isinstance(event, Waited):
        yield ("children", event.pid), Mode.CHANGES
    elif isinstance(event, SignalSent):
        yield ("signals", event.target), Mode.JOINS
    elif isinstance(event, HandlerSet):
        yield ("signals", event.pid), Mode.CHANGES
    elif isinstance(event, Orphaned):
        yield ("parent", event.pid), Mode.CHANGES
    elif isinstance(event, (Ended, Stopped, Continued)):
        process = recording.process(event.pid)
        if process is not None and process.parent is not None:
            yield ("children", process.parent.pid), Mode.JOINS
        # A signal to the dead is an error.
        yield ("signals", event.pid), Mode.CHANGES
    elif isinstance(event, FileNamed):
        yield ("file", event.path), Mode.CHANGES if event.changes else Mode.LOOKS
        if event.changes:
            yield ("file", os.path.dirname(event.path)), Mode.JOINS
    elif isinstance(event, GroupJoined):
        yield ("signals", event.member), Mode.CHANGES


def _thing(target: Target) -> Thing:
    if isinstance(target, End):
        return "pipe", target.pipe
    # What is sent at one end of a connection comes out of a socket of another name.
    is_socket = not isinstance(target, Stream) and target.startswith("socket:")
    return ("sockets",) if is_socket else ("file", target)


def _end(end: End) -> Thing:
    return ("end", end.pipe, end.side)


def _looks_at_ends(pid: int, target: Target, held: Holdings) -> Iterator[Touch]:
    """Whether the other end of a pipe is still open anywhere: end of file, SIGPIPE."""
    if isinstance(target, End):
        side = Side.WRITE if target.side is Side.READ else Side.READ
        other = End(target.pipe, side)
        # Where it holds that itself, nobody else's is the last.
        if not held.descriptors(pid, other):
            yield _end(other), Mode.LOOKS
