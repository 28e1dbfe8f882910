"""Writing the recording of a run while it goes on."""

from __future__ import annotations

from typing import TypeVar

from grader.tracing.bounds import Bounds
from grader.tracing.clock import NANO, Clock
from grader.tracing.frozen import opened
from grader.tracing.limits import Limits
from grader.tracing.memory import Memory
from grader.tracing.recording import (
    Continued,
    Ended,
    Ending,
    Event,
    Excess,
    Limit,
    Orphaned,
    Process,
    Read,
    SignalDelivered,
    Stopped,
    Stream,
    Target,
    Wrote,
)
from grader.tracing.stops import Stops

Kind = TypeVar("Kind", bound=Event)

# What is no doing of the process it is told of, or is told when that is gone.
_HAPPENS = frozenset((Ending, Ended, Orphaned, SignalDelivered, Stopped, Continued))

# How much of one transfer is kept in the recording, in bytes; how much of all of
# them; and how much of each one after that.
_KEPT = 1 << 16
_KEPT_OF_ALL = 16 << 20
_KEPT_OF_MANY = 64


class Recorder:
    """The events of one run, and its processes in the order in which they began.

    `by_pid` are the same processes; `output` is how many bytes were written to the
    standard streams.
    """

    def __init__(
        self,
        events: list[Event],
        clock: Clock,
        limits: Limits,
        stops: Stops,
        bounds: Bounds,
        memory: Memory,
    ) -> None:
        """`events` are the run's own, and `memory` is told what lies in sockets."""
        self.events = events
        self.processes: list[Process] = []
        self.by_pid: dict[int, Process] = {}
        self.output = 0
        self._kept = 0
        self._clock = clock
        self._most_output = limits.output_bytes
        self._stops = stops
        self._bounds = bounds
        self._memory = memory

    @property
    def keeps(self) -> int:
        """How many bytes of a transfer are still kept in the recording."""
        return _KEPT if self._kept < _KEPT_OF_ALL else _KEPT_OF_MANY

    def add_process(self, process: Process) -> None:
        """A process begins."""
        self.processes.append(process)
        self.by_pid[process.pid] = process

    def record(self, kind: type[Kind], pid: int, **fields: object) -> Kind:
        """Add an event to the recording; the event."""
        events = self.events
        if self._stops.tells_lines and kind not in _HAPPENS:
            fields["line"] = self._stops.line_of(pid)
        event: Kind = opened(kind)(
            index=len(events), time=self._clock.now / NANO, pid=pid, **fields
        )
        event.__class__ = kind
        events.append(event)
        process = self.by_pid.get(pid)
        if process is not None:
            process.events.append(event)
        if isinstance(event, Read):
            self._kept += len(event.data)
        elif isinstance(event, Wrote):
            self._kept += len(event.data)
            self._has_written(event)
        return event

    def _has_written(self, event: Wrote) -> None:
        if isinstance(event.target, Stream):
            self.output += event.count
            most = self._most_output
            if self.output > most:
                self._bounds.exceed(Excess(Limit.OUTPUT, self.output, most), event.pid)
        elif _is_socket(event.target):
            self._memory.sends(event.count)


def _is_socket(target: Target) -> bool:
    return type(target) is str and target.startswith("socket:")
