"""Threads and processes as the tracer keeps them while they live."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from grader.tracing import ptrace
from grader.tracing.clock import MANY_LOOKS
from grader.tracing.descriptors import Files
from grader.tracing.procfs import NO_SIGNALS, Signals, signals_of
from grader.tracing.recording import End, Process, Waiting
from grader.tracing.syscalls import OPENING


class State(Enum):
    """Where a thread is. Only one thread at a time is anywhere else: running."""

    READY = auto()  # in a ptrace-stop; it runs on when it is resumed
    HELD = auto()  # before a call that would block, or at its exit
    INSIDE = auto()  # asleep in the kernel, in a call the tracer cannot hold
    STOPPED = auto()  # stopped by a job-control signal
    GONE = auto()


class Stir:
    """What can make a held thread able to go on: bits, to be joined by ``|``.

    Plain numbers, because an `enum.Flag` takes ten times as long to look at, and this
    is looked at whenever anything happens.
    """

    NOTHING: Final = 0
    DATA: Final = 1  # something was written, read, opened or closed
    CHILD: Final = 2  # a child ended, stopped or went on
    LOCK: Final = 4  # a futex or a file lock was let go
    SIGNAL: Final = 8  # a signal was sent; stirs every held thread


@dataclass
class Call:
    """A system call between its entry and its exit.

    `changed` holds the arguments that the tracer replaced, to be put back;
    `memory` the bytes of the tracee that it borrowed, with their address,
    `closing` the pipe ends that the call will close, if it succeeds, `inputs`
    memory that the call overwrites and would need again, and `moving` what it will
    move inside the kernel. `addressed` are the processes that it signals, and
    whether the same signal was pending there. It `prints` where it writes to a
    standard stream. `place` is where the file lies that it opens. `line` is where in
    the program it is made, if that is asked.

    One is made at each stop, so what most calls do without is the class's own.
    """

    number: int
    name: str
    arguments: tuple[int, ...]
    stack: int
    changed: Sequence[tuple[int, int]] = field(default=(), init=False)
    memory: Sequence[tuple[int, bytes]] = field(default=(), init=False)
    closing: Sequence[tuple[int, End]] = field(default=(), init=False)
    inputs: Sequence[tuple[int, bytes]] = field(default=(), init=False)
    moving: bytes = field(default=b"", init=False)
    addressed: Sequence[tuple[int, bool, bool]] = field(default=(), init=False)
    prints: bool = field(default=False, init=False)
    place: str = field(default="", init=False)
    line: int | None = field(default=None, init=False)
    probing: bool = field(default=False, init=False)


@dataclass(slots=True)
class Hold:
    """Why a thread is held: it waits as `waiting` says.

    `began` and `deadline` are virtual nanoseconds. When the deadline comes the call
    returns `expiry`, or (None) `expired` is set and it is made once more, to say so
    itself. `woken` is set where another thread let it go: it then returns 0.
    `before`: the call was not made, and the thread is stopped at its entry.
    """

    call: Call
    waiting: Waiting
    wakes: int
    restart: int
    began: int
    deadline: int | None = None
    expiry: int | None = None
    expired: bool = False
    woken: bool = False
    pipe: int | None = None
    before: bool = False


# So many calls without effect mean that it only asks and asks.
MANY_CALLS = 200


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What lay in the memory that a process shares, and when, see `common`."""

    digest: bytes
    moves: int


@dataclass(frozen=True, slots=True)
class Vain:
    """A moment at which a thread had got nowhere for long, after so many `events`.

    `counts` are of its calls that came to nothing. It goes on so `until` that virtual
    time, in nanoseconds, if an earlier run has shown it.
    """

    moment: bytes
    events: int
    counts: tuple[int, ...]
    until: int | None


@dataclass(slots=True, eq=False)
class Thread:
    """One tracee of ptrace(2), which traces threads, not processes.

    Its process is known by its `pid`, its `number` in the order in which those of the
    run began, from 0, and its `depth`: 0 for the first, 1 for its children, and so on.
    """

    tid: int
    owner: Traced
    pid: int = field(init=False)
    number: int = field(init=False)
    depth: int = field(init=False)
    state: State = State.READY
    inject: int = 0
    call: Call | None = None
    parked: Call | None = None
    hold: Hold | None = None
    stirred: bool = False
    signalled: bool = False
    cleared: bool = False
    after_write: bool = False
    alerted: bool = False
    vfork_child: Traced | None = None
    interrupted: str | None = None
    report: int | None = None  # of its stop, waitpid(2), which is not yet dealt with
    # How long it has got nowhere: slices of the processor, calls without effect,
    # sleeps of no length, looks at the clock with no other call between (and after how
    # many others get a turn), sleeps that nothing came of, and the steps since time
    # last moved. The first slice began after `spins_since` events of the run. One that
    # computes for longer than it sleeps toils.
    spins: int = 0
    spins_since: int = -1
    spins_at: set[int] = field(default_factory=set)  # lines, at the ends of slices
    spun: bool = False
    gives_way: bool = False  # it spun, and others who can go on do so before it
    fruitless: int = 0
    asked: int = 0  # so many of these only asked whether somebody is there
    naps: int = 0
    looks: int = 0
    told_ready: bool = False  # by `calls.polls`, and has used nothing since
    told_time: int = 0  # so many looks have told it something new since it began
    next_turn: int = 0
    vain: Vain | None = None
    glimpse: Glimpse | None = None  # when it last ran, if it got nowhere
    mark: object = None  # of `loops`, as is `nap`
    nap: object = None
    idle: int = 0
    idle_since: int = 0
    idle_cpu: int = 0  # what its process had used of the processor by then
    toils: bool = False
    steps: int = 0

    def __post_init__(self) -> None:
        owner = self.owner
        self.pid, self.number, self.depth = owner.pid, owner.number, owner.depth

    @property
    def executes(self) -> bool:
        """Whether it is inside execve(2) or execveat(2)."""
        return self.call is not None and self.call.name in ("execve", "execveat")

    @property
    def opens(self) -> bool:
        """Whether it is inside open(2) or one of its relatives."""
        return self.call is not None and self.call.name in OPENING

    @property
    def woken(self) -> bool:
        """Whether it waited for something, which may have come."""
        return self.state is State.HELD

    @property
    def spinning(self) -> bool:
        """Whether it runs without getting anywhere."""
        return (
            self.spun
            or self.fruitless >= MANY_CALLS
            or self.naps >= MANY_CALLS
            or self.looks >= MANY_LOOKS
        )

    @property
    def busy_beside_sleeps(self) -> bool:
        """Whether it waits for time, and uses the processor for longer than that."""
        waits = self.hold is not None and self.hold.deadline is not None
        return waits and (self.toils or self.naps >= MANY_CALLS)

    def progressed(self) -> None:
        """It did something that another process or the user can see."""
        self.spins = self.fruitless = self.asked = self.naps = self.idle = 0
        self.looks = self.next_turn = 0
        self.nap = self.vain = None
        self.spun = self.toils = self.gives_way = self.told_ready = False
        if not self.owner.has_handled:
            # It went on by itself.
            self.owner.spun_once.clear()
            self.owner.spun_at.clear()

    def alert(self) -> None:
        """A signal was sent to it, so it may get somewhere now."""
        self.signalled = self.stirred = self.alerted = True
        self.begins_anew()

    def begins_anew(self) -> None:
        """What it looks for again and again may have come."""
        self.spins = self.fruitless = self.asked = self.naps = 0
        self.looks = self.next_turn = 0
        self.nap = self.vain = None
        self.toils = False


@dataclass(slots=True, eq=False)
class Traced:
    """A live process."""

    pid: int
    number: int
    depth: int
    record: Process
    files: Files
    forked: bool = False  # made by fork(2), so that a plain wait(2) is told of its end
    threads: dict[int, Thread] = field(default_factory=dict)
    alarm: int | None = None
    alarm_interval: int = 0
    alarms: int = 0  # in a row, with nothing else between them
    was_busy: bool = False
    was_idle: bool = False
    # What it uses of the processor may send it a signal: ITIMER_VIRTUAL and ITIMER_PROF
    # of setitimer(2), RLIMIT_CPU of setrlimit(2).
    is_timed: bool = False
    # The lines at which it used all patience up, slice after slice without a call:
    # once, and again after a signal was handled; and whether a handler ran since, so
    # that what it did since may be the handler's doing.
    spun_once: set[int] = field(default_factory=set)
    spun_at: set[int] = field(default_factory=set)
    has_handled: bool = False
    # Whether it is worth looking for a loop early; None: that was not yet asked.
    may_loop: bool | None = None
    signals_of_parent: Signals = NO_SIGNALS  # before it stops
    ignores_stops: bool = False  # of its children: SA_NOCLDSTOP of sigaction(2)
    last_line: int | None = None  # where it ends
    has_lines: bool = True  # it is a fork of the interpreter that lines are known of
    # Where the functions are that it looks at the clock with, as long as it has no page
    # for them, `looking`, and how many of its looks were calls meanwhile.
    functions: int = 0
    called_looks: int = 0
    _memory: int = -1

    def spun(self, lines: set[int]) -> None:
        """It used all patience up, at these lines."""
        self.spun_at |= lines & self.spun_once
        self.spun_once |= lines
        self.has_handled = False

    def read(self, address: int, size: int) -> bytes:
        """Bytes of its memory; fewer, or none, where they are not mapped."""
        try:
            return os.pread(self._open_memory(), size, address)
        except (OSError, OverflowError):  # an address that nothing can have
            return b""

    def read_into(self, address: int, room: memoryview[int]) -> bool:
        """Copy its memory there; whether there is as much of it."""
        try:
            return os.preadv(self._open_memory(), [room], address) == len(room)
        except OSError:
            return False

    def write(self, address: int, data: bytes) -> bool:
        """Change its memory, where it may itself; whether all of it could be."""
        # A bad address is the program's own mistake; the call's EFAULT tells it.
        return ptrace.write_memory(self.pid, address, data)

    def _open_memory(self) -> int:
        if self._memory == -1:
            self._memory = os.open(f"/proc/{self.pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        return self._memory

    def forget_memory(self) -> None:
        """Its memory is another's now, or gone: execve(2), _exit(2)."""
        if self._memory != -1:
            os.close(self._memory)
            self._memory = -1

    def signals(self) -> Signals:
        """The signals of its leader, proc(5); none where it is gone."""
        return signals_of(self.pid, self.pid)
