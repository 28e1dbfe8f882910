"""What a handler of a system call is, and what it may ask of the tracer."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from grader.tracing.clock import Clock
from grader.tracing.confinement import Reach
from grader.tracing.descriptors import Objects
from grader.tracing.recording import Event, Waiting
from grader.tracing.tracee import Call, Stir, Thread, Traced


class Then(Enum):
    """What follows a call's entry."""

    PASS = auto()  # let it run; nobody cares what comes of it
    WATCH = auto()  # let it run, and stop at its exit
    ANSWERED = auto()  # the tracer has answered it; it is not made
    OVER = auto()  # the same, and another thread may run now
    HELD = auto()  # it is not made yet: the thread waits before it


class After(Enum):
    """What follows a call's exit."""

    GO_ON = auto()  # too small a thing to let another thread run
    SWITCH = auto()  # another thread may run now
    HELD = auto()  # the thread waits


class Tracing(Protocol):
    """The tracer, as handlers see it."""

    clock: Clock
    objects: Objects
    pipe_size: int | None
    reach: Reach

    @property
    def tells_names(self) -> bool:
        """Whether calls on files by their names are recorded, `Schedule.fine`."""

    @property
    def keeps(self) -> int:
        """How many bytes of a transfer are still kept in the recording."""

    def record(self, kind: type[Event], pid: int, **fields: object) -> None:
        """Add an event to the recording."""

    def stir(self, what: int, pipe: int | None = None) -> None:
        """Something happened, `Stir`, that held threads may have waited for."""

    def answer(self, thread: Thread, result: int) -> None:
        """At a call's entry: skip it, and let it return `result`."""

    def change(self, thread: Thread, call: Call, arguments: dict[int, int]) -> None:
        """At a call's entry: give it other arguments; they are put back at its exit."""

    def replace(
        self, thread: Thread, call: Call, number: int, arguments: dict[int, int]
    ) -> None:
        """At a call's entry: make another call in its place, to probe."""

    def borrow(self, thread: Thread, call: Call, address: int, data: bytes) -> None:
        """Write `data` into the tracee's memory until the call's exit."""

    def reissue(self, thread: Thread, call: Call) -> None:
        """At a call's exit: let the thread make it again."""

    def interrupt(self, thread: Thread, call: Call, restart: int) -> None:
        """At a call's exit: a signal interrupts it, and `restart` says what follows."""

    def set_result(self, thread: Thread, result: int) -> None:
        """At a call's exit: let it return `result`."""

    def hold(
        self,
        thread: Thread,
        call: Call,
        waiting: Waiting,
        wakes: int,
        *,
        restart: int,
        deadline: int | None = None,
        expiry: int | None = None,
        pipe: int | None = None,
    ) -> After:
        """Before a call or at its exit: wait for one of `wakes`, `Stir`, or a signal.

        `deadline` is in virtual nanoseconds, `expiry` what the call returns then
        (None: it is made again); `restart` what the kernel does with the call when
        a signal interrupts it.
        """

    def has_signal(self, thread: Thread) -> bool:
        """Whether a signal is pending that the thread does not block."""

    def in_background(self, pid: int) -> bool:
        """Whether a process's group is not that of its terminal, tty_ioctl(4)."""

    def process(self, pid: int) -> Traced | None:
        """The live process of this run with that pid."""

    def live(self) -> list[Traced]:
        """All live processes of this run."""

    def threads(self) -> list[Thread]:
        """All live threads of this run."""

    def still_others(self, *, openers: bool) -> bool:
        """Stop also those who sleep in the kernel: none of them wakes meanwhile.

        `openers`: also those who wait for the other end of a FIFO, fifo(7). They make
        their calls again later. Returns whether there were any.
        """

    def end_all(self) -> None:
        """Kill the program, before any of it does anything more."""

    def may_fill(self, thread: Thread, size: int) -> bool:
        """Whether `size` bytes more may be written to files; if not, the run ends."""

    def lacks_descriptor(self, thread: Thread) -> None:
        """A call failed with EMFILE; that ends the run."""

    def in_tree(self, pid: int) -> bool:
        """Whether `pid` is or was a process of this run and is not yet reaped."""

    def refuse(
        self, thread: Thread, call: Call, detail: str, error: int = errno.EPERM
    ) -> Then:
        """Refuse the call with an error, and record that."""

    def collect_woken(self, pids: list[int]) -> None:
        """SIGKILL or SIGCONT was sent to `pids`: wait for those whom it woke."""

    def record_wait(
        self,
        thread: Thread,
        *,
        target: int,
        no_hang: bool,
        child: int | None,
        error: int,
        left: int | None = None,
    ) -> None:
        """A wait call of `thread` came back, having collected `child`.

        Or having looked at one that has ended, and is `left` to be collected.
        """


def watch(tracing: Tracing, thread: Thread, call: Call) -> Then:
    """Let the call run and look at its result."""
    return Then.WATCH


def switch(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    """Nothing to note; another thread may run."""
    return After.SWITCH


def tell_others(tracing: Tracing, thread: Thread, call: Call) -> None:
    """What a call has done so far may be what others wait for."""
    tracing.stir(Stir.DATA)


@dataclass(frozen=True, slots=True)
class Handler:
    """What to do at a call's entry, and at its exit if that is watched.

    `asleep` is for a call that was let into the kernel and waits there half done.
    """

    enter: Callable[[Tracing, Thread, Call], Then]
    leave: Callable[[Tracing, Thread, Call, int], After] = switch
    asleep: Callable[[Tracing, Thread, Call], None] = tell_others


PLAIN = Handler(watch)
