"""What the handlers of calls ask of the tracer, and have done to the tracee.

A handler (`calls.handler`) knows what its call means. It has the tracee changed, held
and answered here, and what it found recorded; whose turn is next is not its business.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress

from grader.tracing.bounds import Bounds
from grader.tracing.calls.handler import After, Then, Tracing
from grader.tracing.clock import NANO, Clock
from grader.tracing.confinement import Reach
from grader.tracing.deaths import Deaths
from grader.tracing.descriptors import Objects
from grader.tracing.limits import Limits
from grader.tracing.procfs import signals_of
from grader.tracing.recorder import Recorder
from grader.tracing.recording import (
    Event,
    Excess,
    Limit,
    Refused,
    WaitBegan,
    Waited,
    Waiting,
)
from grader.tracing.stops import Stops
from grader.tracing.taking import Taken
from grader.tracing.tracee import Call, Hold, Thread, Traced
from grader.tracing.turns import Turns


class Serving(Tracing):
    """Serves the handlers of one run's calls."""

    def __init__(
        self,
        *,
        threads: dict[int, Thread],
        traced: dict[int, Traced],
        clock: Clock,
        objects: Objects,
        reach: Reach,
        limits: Limits,
        stops: Stops,
        recorder: Recorder,
        turns: Turns,
        deaths: Deaths,
        bounds: Bounds,
        taken: Taken,
        pipe_size: int | None,
        tells_names: bool,
        foreground: Callable[[], int | None],
        collect_woken: Callable[[list[int]], None],
    ) -> None:
        """`threads` and `traced` are the tracer's own.

        `pipe_size` is how many bytes the program's pipes are to hold, if that is asked.
        `foreground` says which process group the program's terminal is for, if it has
        one. `collect_woken` waits for those whom SIGKILL or SIGCONT has woken.
        """
        self.clock = clock
        self.objects = objects
        self.pipe_size = pipe_size
        self.reach = reach
        self._threads = threads
        self._traced = traced
        self._limits = limits
        self._stops = stops
        self._recorder = recorder
        self._turns = turns
        self._deaths = deaths
        self._bounds = bounds
        self._taken = taken
        self._tells_names = tells_names
        self._foreground = foreground
        self._collect_woken = collect_woken

    @property
    def tells_names(self) -> bool:
        return self._tells_names

    @property
    def keeps(self) -> int:
        return self._recorder.keeps

    def record(self, kind: type[Event], pid: int, **fields: object) -> None:
        self._recorder.record(kind, pid, **fields)

    def stir(self, what: int, pipe: int | None = None) -> None:
        self._turns.stir(what, pipe)

    def answer(self, thread: Thread, result: int) -> None:
        registers = self._stops.registers(thread)
        registers.set_call(-1)
        registers.set_result(result)
        self._stops.write_registers(thread)

    def change(self, thread: Thread, call: Call, arguments: dict[int, int]) -> None:
        registers = self._stops.registers(thread)
        call.changed = [(index, call.arguments[index]) for index in arguments]
        for index, value in arguments.items():
            registers.set_argument(index, value)
        self._stops.write_registers(thread)

    def replace(
        self, thread: Thread, call: Call, number: int, arguments: dict[int, int]
    ) -> None:
        call.probing = True
        self._stops.registers(thread).set_call(number)
        self.change(thread, call, arguments)

    def borrow(self, thread: Thread, call: Call, address: int, data: bytes) -> None:
        call.memory = (address, thread.owner.read(address, len(data))), *call.memory
        thread.owner.write(address, data)

    def reissue(self, thread: Thread, call: Call) -> None:
        self._stops.registers(thread).reissue(call.number)
        self._stops.write_registers(thread)

    def interrupt(self, thread: Thread, call: Call, restart: int) -> None:
        self._stops.registers(thread).interrupted(call.number, restart)
        self._stops.write_registers(thread)

    def set_result(self, thread: Thread, result: int) -> None:
        self._stops.registers(thread).set_result(result)
        self._stops.write_registers(thread)

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
        if deadline is not None:
            waiting = Waiting(
                waiting.call,
                waiting.fds,
                waiting.ends,
                waiting.target,
                deadline / NANO,
            )
        if thread.hold is None:
            thread.hold = Hold(
                call=call,
                waiting=waiting,
                wakes=wakes,
                restart=restart,
                began=self.clock.now,
                deadline=deadline,
                expiry=expiry,
                pipe=pipe,
            )
            self._recorder.record(
                WaitBegan, thread.pid, tid=thread.tid, waiting=waiting
            )
        else:
            thread.hold.call = call
        if self.has_signal(thread):
            thread.stirred = True  # it came while others ran, just before the call
        return After.HELD

    def has_signal(self, thread: Thread) -> bool:
        if not thread.signalled:
            return False
        signals = signals_of(thread.pid, thread.tid)
        waiting = signals.pending | signals.shared
        if waiting & ~signals.blocked:
            return True
        thread.signalled = bool(waiting)
        return False

    def in_background(self, pid: int) -> bool:
        group = self._foreground()
        if group is None:
            return False
        try:
            return group != os.getpgid(pid)
        except ProcessLookupError:  # killed while it was stopped
            return True

    def process(self, pid: int) -> Traced | None:
        return self._traced.get(pid)

    def live(self) -> list[Traced]:
        return list(self._traced.values())

    def threads(self) -> list[Thread]:
        return list(self._threads.values())

    def still_others(self, *, openers: bool) -> bool:
        return self._stops.halt_sleepers(self._threads.values(), openers=openers)

    def end_all(self) -> None:
        for pid in self._traced:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def may_fill(self, thread: Thread, size: int) -> bool:
        excess = self._taken.excess_in_files(size)
        if excess is not None:
            self._bounds.exceed(excess, thread.pid)
        return excess is None

    def lacks_descriptor(self, thread: Thread) -> None:
        most, count = self._limits.descriptors, len(thread.owner.files.list())
        with suppress(OSError):
            soft, _ = resource.prlimit(thread.pid, resource.RLIMIT_NOFILE)
            if soft == most:  # and not a limit that the program made itself
                self._bounds.exceed(Excess(Limit.DESCRIPTORS, count, most), thread.pid)

    def in_tree(self, pid: int) -> bool:
        process = self._recorder.by_pid.get(pid)
        return process is not None and process.collected is None

    def refuse(
        self, thread: Thread, call: Call, detail: str, error: int = errno.EPERM
    ) -> Then:
        self._recorder.record(Refused, thread.pid, call=call.name, detail=detail)
        self.answer(thread, -error)
        return Then.ANSWERED

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
        process = self._recorder.by_pid.get(child) if child else None
        ended = process.ended if process else None
        event = self._recorder.record(
            Waited,
            thread.pid,
            tid=thread.tid,
            target=target,
            no_hang=no_hang,
            child=child if ended else None,
            exit_code=ended.exit_code if ended else None,
            signal=ended.signal if ended else None,
            error=error,
            left=left,
        )
        if process and ended:
            process.collected = event
            self._deaths.uncollected -= 1

    def collect_woken(self, pids: list[int]) -> None:
        self._collect_woken(pids)
