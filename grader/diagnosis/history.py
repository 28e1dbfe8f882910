"""How a process came to a pipe's end that it has open, and where it could close it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.tracing.recording import (
    Closed,
    Duplicated,
    End,
    Ended,
    Ending,
    Event,
    Executed,
    Forked,
    PipeMade,
    Read,
    Recording,
    Side,
    Wrote,
)


@dataclass(slots=True)
class Held:
    """A pipe's end that the process `pid` has open as descriptor `fd`.

    `made` is the making of the pipe. `came` is how this descriptor came to be: that
    again, a fork or a copy. `used` is the last read or write through it, `forked` the
    last fork of the process while it was open.
    """

    pid: int
    fd: int
    end: End
    made: PipeMade
    came: Event
    used: Event | None = None
    forked: Forked | None = None


class Holdings:
    """Which process has which pipe ends open, event by event.

    A replay of the recording: go to just `before` an event's index, then ask. It is as
    far as the recording tells: what one process sent to another through a socket is not
    among it, unix(7).
    """

    def __init__(self, run: Recording) -> None:
        self._events = iter(run.events)
        self._next: Event | None = next(self._events, None)
        self._tables: dict[int, dict[int, Held]] = {}

    def before(self, index: int) -> Holdings:
        """The state just before the event `index`; only forwards."""
        while self._next is not None and self._next.index < index:
            self._apply(self._next)
            self._next = next(self._events, None)
        return self

    def _apply(self, event: Event) -> None:
        table = self._tables.setdefault(event.pid, {})
        match event:
            case PipeMade():
                for fd, side in (
                    (event.read_fd, Side.READ),
                    (event.write_fd, Side.WRITE),
                ):
                    end = End(event.pipe, side)
                    table[fd] = Held(event.pid, fd, end, event, event)
            case Forked():
                self._tables[event.child] = {
                    fd: Held(event.child, fd, held.end, held.made, event)
                    for fd, held in table.items()
                }
                for held in table.values():
                    held.forked = event
            case Duplicated() if event.old_fd != event.new_fd:
                old = table.get(event.old_fd)
                table.pop(event.new_fd, None)
                if old is not None:
                    new = Held(event.pid, event.new_fd, old.end, old.made, event)
                    table[event.new_fd] = new
            case Closed():
                table.pop(event.fd, None)
            case Executed():
                kept = {fd: held for fd, held in table.items() if fd in event.kept}
                self._tables[event.pid] = kept
            case Ending() | Ended():
                self._tables.pop(event.pid, None)
            case Read() | Wrote() if event.fd in table:
                table[event.fd].used = event

    def of(self, pid: int) -> Mapping[int, Held]:
        """What a process has open, by descriptor."""
        return self._tables.get(pid, {})

    def descriptors(self, pid: int, end: End) -> list[int]:
        """The descriptors under which a process has `end` open."""
        return sorted(fd for fd, held in self.of(pid).items() if held.end == end)

    def holders(self, end: End) -> list[int]:
        """The processes that have `end` open."""
        return sorted(pid for pid in self._tables if self.descriptors(pid, end))


def at_line(line: int | None) -> str:
    """`` at line 7``, or nothing where the line is not known."""
    return f" at line {line}" if line is not None else ""


def described(fd: int, held: Held | None) -> str:
    """A descriptor, and how it came to be."""
    words = [f"descriptor {fd}"]
    if held is not None:
        if held.made.line is not None:
            words.append(f"made{at_line(held.made.line)}")
        if isinstance(held.came, Forked):
            words.append(f"inherited by the fork{at_line(held.came.line)}")
        elif isinstance(held.came, Duplicated):
            copied = f"copied from descriptor {held.came.old_fd}"
            words.append(copied + at_line(held.came.line))
    return ", ".join(words)


def place_to_close(held: Held) -> str:
    """Where the process could have closed it: it made no use of it after that."""
    if held.used is not None:
        return f"after its last use{at_line(held.used.line)}"
    after = held.forked or held.came
    if isinstance(after, Forked):
        return f"after the fork{at_line(after.line)}"
    return f"after it was made{at_line(after.line)}"
