"""What happened in a run: processes, pipes, signals, output, in order.

A recording is made by the tracer from what the kernel told it and does not change
once the run is over. Times are virtual seconds since the program started.
"""

from __future__ import annotations

import os
import re
import signal as signals
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest
from typing import NamedTuple, TypeVar

from grader.tracing.frozen import hand_on_fast


def signal_name(number: int) -> str:
    """The name of a signal, as signal(7) writes it."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"


# What the C library keeps for its threads, nptl(7).
_OF_THREADS_LIBRARY = (32, 33)

# --- events -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Event:
    """Something one process did, or that happened to it.

    `index` counts the events of a run from 0: it is their order. `line` is where in
    the program's file the process was when it did this, as far as that is known: what
    the program's memory said, which it can make say anything. What only happened to a
    process has none.
    """

    index: int
    time: float
    pid: int
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Started(Event):
    """The program's first process began."""

    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forked(Event):
    """`pid` made the process `child`: fork(2), vfork(2), clone(2)."""

    child: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ThreadStarted(Event):
    """`pid` made one more thread of itself."""

    tid: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Executed(Event):
    """`pid` became another program: execve(2). Of its descriptors it kept these open.

    The others were to be closed on exec, fcntl(2), as all are that Python makes.
    """

    path: str
    argv: tuple[str, ...]
    kept: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ending(Event):
    """`pid` is about to end: its descriptors are closed, and nobody can collect it yet.

    Seen only under schedules that ask for it, `Schedule.fine`, where it had pipes open.
    """


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ended(Event):
    """`pid` ended: of itself with `exit_code`, or killed by `signal`."""

    exit_code: int | None
    signal: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Orphaned(Event):
    """The parent of `pid` ended first."""

    parent: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaitBegan(Event):
    """The thread `tid` of `pid` began to wait in `call`, and others went on.

    The first thread of a process has the number of the process.
    """

    tid: int
    waiting: Waiting


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waited(Event):
    """A call of the wait(2) family came back, in the thread `tid` of `pid`.

    `target` is the pid that was asked for (-1: any child), `child` the one that
    was collected (None: none), `error` an errno or 0. `left` is one that has ended and
    was only looked at, so that it can still be collected: WNOWAIT of waitid(2).
    """

    tid: int
    target: int
    no_hang: bool
    child: int | None
    exit_code: int | None
    signal: int | None
    error: int
    left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PipeMade(Event):
    """`pid` made a pipe: pipe(2)."""

    pipe: int
    read_fd: int
    write_fd: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Duplicated(Event):
    """`new_fd` became another name of `old_fd`: dup(2), fcntl(2)."""

    old_fd: int
    new_fd: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Closed(Event):
    """`pid` closed a descriptor. `end` is what it was: an `End`, or None."""

    fd: int
    end: End | None
    error: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read(Event):
    """`pid` read `data`; an empty `data` without an error is end of file.

    `source` says from what; `data` is cut off at 64 KiB, `count` is not. `asked` is how
    many bytes there was room for, 0 where that is not known.
    """

    fd: int
    source: Target
    data: bytes
    count: int
    error: int
    asked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wrote(Event):
    """`pid` wrote `data`, of which `count` bytes were taken."""

    fd: int
    target: Target
    data: bytes
    count: int
    error: int

    @property
    def is_output(self) -> bool:
        """Whether it printed: on standard output, or on the terminal but no error."""
        return self.target is Stream.OUTPUT or (
            self.target is Stream.TERMINAL and self.fd != 2
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HandlerSet(Event):
    """`pid` chose what `signal` does to it.

    `disposition` is "handler", "ignore" or "default". `restarts`: a call that the
    signal interrupts goes on, SA_RESTART in sigaction(2); a handler in Python then
    waits for its end.
    """

    signal: int
    disposition: str
    restarts: bool = False

    @property
    def is_of_library(self) -> bool:
        """Whether the signal is the threads library's own: no program asks for it."""
        return self.signal in _OF_THREADS_LIBRARY


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignalSent(Event):
    """`signal` was sent to the process `target`; `pid` sent it (0: from outside).

    `merged` is true where the same signal was pending there already: standard
    signals do not queue, so the target sees one, signal(7). `blocked`: the target, of
    one thread, blocks it, sigprocmask(2): it stays pending. A child's end and stops
    send SIGCHLD to its parent, with the child as `pid`.
    """

    signal: int
    target: int
    merged: bool
    blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignalDelivered(Event):
    """`signal` reached `pid`; `action` is "handler", "ignore", "default".

    `interrupted` is the call that the signal found the process in, if any.
    """

    signal: int
    action: str
    interrupted: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stopped(Event):
    """`pid` was stopped by a job-control signal."""

    signal: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Continued(Event):
    """`pid` was stopped and goes on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slept(Event):
    """The thread `tid` of `pid` slept, for `seconds` of virtual time.

    Or until a signal came.
    """

    tid: int
    seconds: float
    interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refused(Event):
    """A call that is not allowed was refused with EPERM."""

    call: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupJoined(Event):
    """`member` is now in the process group `group`: setpgid(2), setsid(2)."""

    member: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileNamed(Event):
    """`pid` made `call` on the file `path`; `changes`: what others find there is new.

    Seen only under schedules that ask for it, `Schedule.fine`.
    """

    call: str
    path: str
    changes: bool
    error: int


EventType = TypeVar("EventType", bound=Event)

# --- what processes hold ------------------------------------------------------


class Side(StrEnum):
    """The two ends of a pipe."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a pipe: what a descriptor is open on."""

    pipe: int
    side: Side


class Stream(StrEnum):
    """What the program was given to read from and to print on."""

    INPUT = "standard input"
    OUTPUT = "standard output"
    ERROR = "standard error"
    TERMINAL = "terminal"


# A descriptor is open on a pipe's end, a standard stream, or something named.
Target = End | Stream | str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a process waits in: the call, and for what.

    `call` is a system call's name. `fds` are the descriptors it waits on and
    `ends` what they are; `target` is a wait call's pid (-1: any child);
    `deadline` the virtual time at which it goes on by itself, if it does. `line` is
    that of a call which sleeps in the kernel, of which no `WaitBegan` tells.
    """

    call: str
    fds: tuple[int, ...] = ()
    ends: tuple[Target, ...] = ()
    target: int | None = None
    deadline: float | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One process at rest.

    `state` is "waiting", "busy" (it uses the processor), "stopped" or "zombie".
    `waits` is what each of its threads waits in. `descriptors` is what the kernel
    lists, so nothing is missing from it.
    """

    pid: int
    state: str
    waits: tuple[Waiting, ...]
    descriptors: dict[int, Target]

    @property
    def waiting(self) -> Waiting | None:
        """What the process as a whole waits in.

        Of several threads, the first that does not wait for another one, futex(2).
        """
        beyond = (waiting for waiting in self.waits if waiting.call != "futex")
        return next(beyond, self.waits[0] if self.waits else None)


@dataclass(frozen=True, slots=True)
class Rest:
    """A moment in which nothing can go on without the world outside.

    `after` is the index that the next event has.
    """

    time: float
    after: int
    processes: tuple[Snapshot, ...]

    def of(self, pid: int) -> Snapshot | None:
        """The process `pid` in this moment, None where it was gone."""
        return next((p for p in self.processes if p.pid == pid), None)

    @property
    def may_change(self) -> bool:
        """Whether somebody goes on by itself, if only time passes: then others may."""
        return any(
            process.state == "busy"
            or any(w.deadline is not None for w in process.waits)
            for process in self.processes
        )

    @property
    def busy(self) -> tuple[Snapshot, ...]:
        """The processes that use the processor while there is nothing to do."""
        return tuple(p for p in self.processes if p.state == "busy")

    def holders(self, end: End) -> tuple[tuple[int, int], ...]:
        """Who has `end` of a pipe open, as pairs of pid and descriptor."""
        return tuple(
            (process.pid, fd)
            for process in self.processes
            for fd, target in sorted(process.descriptors.items())
            if target == end
        )


# How Python's multiprocessing starts what it needs beside its workers: a process that
# removes what others leave behind, and one that forks the workers. It calls nothing for
# what it gives them, so they do nothing else.
_INTERPRETER = os.path.realpath(sys.executable)
_HELPER = re.compile(
    r"from multiprocessing\.(resource_tracker|forkserver) import main; ?"
    r"main\([^()]*\)"
)


@dataclass(slots=True, eq=False)
class Process:
    """One process of a run. `forked` are those that it made, in that order."""

    pid: int
    parent: Process | None
    began: Event
    argv: tuple[str, ...]
    forked: list[Process] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ended: Ended | None = None
    collected: Waited | None = None
    discarded: bool = False  # SIGCHLD was ignored: the kernel kept no status
    orphaned: Orphaned | None = None
    cpu_seconds: float = 0.0
    open_at_end: dict[int, Target] = field(default_factory=dict)

    def of(self, kind: type[EventType]) -> list[EventType]:
        """This process's events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def is_helper(self) -> bool:
        """Whether the interpreter's library made it for itself, and runs it alone.

        It outlives the program on purpose: nobody asked for it, or is to collect it.
        """
        if self.argv[-2:-1] != ("-c",) or not _HELPER.fullmatch(self.argv[-1]):
            return False
        executed = self.of(Executed)
        if not executed or executed[-1].path != _INTERPRETER:
            return False
        # Who has been forked by one, and executes nothing, is somebody's worker.
        return self.parent is not None and self.parent.argv != self.argv

    @property
    def children(self) -> list[Process]:
        """The processes that it made, but for helpers."""
        return [process for process in self.forked if not process.is_helper]

    @property
    def exit_code(self) -> int | None:
        """0 to 255, or None where it was killed or still lives."""
        return self.ended.exit_code if self.ended else None

    @property
    def killed_by(self) -> int | None:
        """The number of the signal that killed it, or None."""
        return self.ended.signal if self.ended else None

    @property
    def reaped_by(self) -> int | None:
        """The pid of the process that collected its status, or None."""
        return self.collected.pid if self.collected else None

    @property
    def signals(self) -> list[SignalDelivered]:
        """The signals that reached it."""
        return self.of(SignalDelivered)

    @property
    def pipes(self) -> list[PipeMade]:
        """The pipes that it made."""
        return self.of(PipeMade)

    @property
    def output(self) -> bytes:
        """What it printed on standard output or the terminal."""
        return _printed(self.of(Wrote))

    def output_before(self, index: int | None) -> bytes:
        """What it printed before the event `index`; all of it where that is None."""
        writes = self.of(Wrote)
        return _printed([e for e in writes if index is None or e.index < index])

    @property
    def errors(self) -> bytes:
        """What it printed on standard error."""
        return _complained(self.of(Wrote))

    def descendants(self) -> Iterator[Process]:
        """Its children, their children, and so on, in the order of their forks.

        Those of a helper too, though it is none itself.
        """
        for process in self.forked:
            if not process.is_helper:
                yield process
            yield from process.descendants()


def _printed(writes: list[Wrote]) -> bytes:
    return b"".join(event.data for event in writes if event.is_output)


def _complained(writes: list[Wrote]) -> bytes:
    return b"".join(
        event.data
        for event in writes
        if event.target is Stream.ERROR
        or (event.target is Stream.TERMINAL and event.fd == 2)
    )


class Limit(StrEnum):
    """The limit that ended a run early."""

    PROCESSES = "processes"
    OUTPUT = "output bytes"
    PROCESSOR = "processor seconds"
    MEMORY = "memory"
    THREADS = "threads"
    ZOMBIES = "zombies"
    DESCRIPTORS = "descriptors"
    FILES = "files"
    FILE_BYTES = "file bytes"
    VIRTUAL_TIME = "virtual seconds"
    REAL_TIME = "real seconds"
    EVENTS = "events"


class Excess(NamedTuple):
    """What was used of a limit, and how much may be: why a run was ended.

    Both are bytes where the limit is one of memory or of bytes, and seconds of time.
    `pid` is the process that went over it, `line` where in the program it did.
    """

    limit: Limit
    used: float
    allowed: float
    pid: int | None = None
    line: int | None = None


class Step(NamedTuple):
    """A turn of one process, from the event with the index `first` on."""

    first: int
    pid: int


@dataclass(slots=True)
class Recording:
    """A whole run.

    `schedule` is the name of the timing it ran under, `order` what that is, as a
    clause for students, and `steps` are the turns that the processes took under it,
    if it is a fine one. `rests` are the moments in which it could not go on without
    the world outside, `stuck` is the last of them where the run had to be ended in
    it. `excess` is what ended it if a limit did, `stopped` says that its user did,
    `Program.stop`. `duration` is in virtual seconds.
    """

    schedule: str
    order: str
    root: Process
    processes: list[Process]
    events: list[Event]
    rests: list[Rest] = field(default_factory=list)
    stuck: Rest | None = None
    excess: Excess | None = None
    stopped: bool = False
    duration: float = 0.0
    steps: list[Step] = field(default_factory=list)

    @property
    def exceeded(self) -> Limit | None:
        """The limit that ended the run."""
        return self.excess.limit if self.excess else None

    def of(self, kind: type[EventType]) -> list[EventType]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def by_step(self) -> Iterator[tuple[Step, list[Event]]]:
        """Each of `steps`, with what happened in it."""
        for step, after in zip_longest(self.steps, self.steps[1:]):
            yield step, self.events[step.first : after.first if after else None]

    def process(self, pid: int) -> Process | None:
        """The process with this id, None where there was none."""
        return next((p for p in self.processes if p.pid == pid), None)

    def others_saw(self, event: Ending) -> bool:
        """Whether anything happened before that process had ended."""
        return any(e.pid != event.pid for e in self.events[event.index + 1 :][:1])

    @property
    def output(self) -> bytes:
        """What the program printed, by whichever process, in order."""
        return _printed(self.of(Wrote))

    @property
    def errors(self) -> bytes:
        """What the program printed on standard error."""
        return _complained(self.of(Wrote))

    @property
    def ended(self) -> bool:
        """Whether every process came to an end of its own, unforced."""
        return self.stuck is None and self.exceeded is None and not self.stopped


_EVENTS = [
    kind
    for kind in globals().values()
    if isinstance(kind, type) and issubclass(kind, Event)
]
hand_on_fast(*_EVENTS, End, Waiting, Snapshot, Rest)
