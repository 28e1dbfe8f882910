"""The tracer: runs a program step by step and records it.

Theory of operation. Every thread of the program is a tracee, ptrace(2), and all of them
are stopped except one. A *step* lets one thread run from where it is to the end of its
next call that matters (`syscalls.NUMBERS`); a `Schedule` chooses whose step is next. A
call that would block is not made: the tracer knows it, or asks the kernel first, in the
thread's name and without waiting, and holds the thread until something has happened
that may let it go on. So nothing ever happens in the program that was not chosen, /proc
is true whenever it is read, and a program in which no thread can go on is at rest: at
once, for certain, without a timeout.

Calls whose blocking cannot be foreseen are let into the kernel. The tracer then
looks whether the thread sleeps there (`State.INSIDE`), and whether a later step has
woken it.

When every thread waits and some of them for time, the virtual clock jumps. A thread
that runs without a call is stopped after a slice of the processor's time, so that
the others can go on.

All ptrace requests must come from the thread that made the tracer. It waits for
nothing but its tracees: while a dead tracee is not yet waited for, its own parent
cannot see that it died.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto

from grader.tracing import ptrace, syscalls
from grader.tracing.births import BIRTHS, Births
from grader.tracing.bounds import Bounds
from grader.tracing.caches import Caches
from grader.tracing.calls import PLAIN, TABLE, After, Then
from grader.tracing.calls.signals import has_bit, pending
from grader.tracing.calls.times import look, remaining_address
from grader.tracing.calls.transfers import asked, interrupted
from grader.tracing.clock import NANO, Clock, timespec
from grader.tracing.confinement import Reach
from grader.tracing.deaths import Deaths
from grader.tracing.descriptors import Objects
from grader.tracing.limits import Limits
from grader.tracing.lines import SourceLines
from grader.tracing.looking import GIVEN_AT, give_page
from grader.tracing.loops import comes_back, sleeps_on
from grader.tracing.preempting import (
    RUNS_ON,
    Preempting,
    count_looks,
    watches_clock,
)
from grader.tracing.procfs import (
    cpu_time,
    signals_of,
    state_of,
)
from grader.tracing.recorder import Recorder
from grader.tracing.recording import (
    Continued,
    Event,
    Excess,
    Limit,
    Recording,
    Rest,
    SignalDelivered,
    SignalSent,
    Slept,
    Step,
    Stopped,
    Stream,
    Wrote,
)
from grader.tracing.resting import snapshots
from grader.tracing.schedule import Schedule
from grader.tracing.serving import Serving
from grader.tracing.spinning import Seen, Spun
from grader.tracing.stops import Interruptions, Stops
from grader.tracing.taking import CALLS as TAKING
from grader.tracing.taking import Taken
from grader.tracing.tracee import (
    Call,
    Hold,
    State,
    Stir,
    Thread,
    Traced,
)
from grader.tracing.turns import Turns, is_nap

# The statuses, waitpid(2), of a thread that the filter stops before a call, and of one
# that comes back from it.
_AT_ENTRY = ptrace.Event.SECCOMP << 16 | signal.SIGTRAP << 8 | 0x7F
_AT_EXIT = (signal.SIGTRAP | 0x80) << 8 | 0x7F

_STOPPING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_IGNORED_BY_DEFAULT = (
    signal.SIGCHLD,
    signal.SIGCONT,
    signal.SIGURG,
    signal.SIGWINCH,
)

_WRITES = frozenset(("write", "writev", "pwritev2"))
_LOOKS_AT_CLOCK = frozenset(("clock_gettime", "gettimeofday", "time"))

_POLICED = frozenset(syscalls.POLICED.values())
_NAMING = frozenset(syscalls.NAMING.values())
_MAKING = frozenset(syscalls.NAMING[name] for name in syscalls.MAKING)

# How long the tracer waits for a report before it looks what its tracee is doing,
# in seconds.
_PATIENCE = 0.002


class Outcome(Enum):
    """Why the tracer stopped to advance the program."""

    ENDED = auto()
    REST = auto()
    EXCEEDED = auto()


class Tracer:
    """Traces one program from its first instruction to its end."""

    def __init__(
        self,
        schedule: Schedule,
        limits: Limits,
        streams: dict[str, Stream],
        drain: Callable[[], None],
        caches: Caches,
        foreground: Callable[[], int | None] = lambda: None,
        pipe_size: int | None = None,
        spun: Spun | None = None,
        lines: SourceLines | None = None,
        reach: Reach | None = None,
        find_lines: Callable[[], SourceLines | None] = lambda: None,
    ) -> None:
        """Make a tracer that traces nothing yet.

        `streams` are the program's standard streams by their names in /proc;
        `drain` empties what it wrote there, so that its writes never block; `caches`
        knows the interpreter that it is a fork of, if it is one;
        `foreground` says which process group its terminal is for, if it has one;
        `spun` where the program was seen spinning before; `lines` knows which line of
        the program a thread is at; `reach` what the program may speak to. `find_lines`
        gives what `lines` would be if they were told.
        """
        self.clock = Clock()
        self.reach = reach or Reach()
        self.reach.is_own = lambda number: (
            number in self._threads or number in self._traced
        )
        objects = Objects(streams)
        self._limits = limits
        self._traced: dict[int, Traced] = {}
        self._threads: dict[int, Thread] = {}
        events: list[Event] = []
        self._taken = Taken(limits, objects)
        # With a fine schedule some of the calls that take are moments for others too.
        named = schedule.fine or self.reach.keeps
        policed = _POLICED | (_NAMING if named else _MAKING)
        self._only_taking = TAKING - policed
        self._schedule = schedule
        self._interruptions = Interruptions()
        self._stops = Stops(self.clock, self._interruptions, lines)
        self._bounds = Bounds(
            limits, self._taken, self._traced, events, self._stops.line_of
        )
        self._recorder = Recorder(
            events, self.clock, limits, self._stops, self._bounds, self._taken.memory
        )
        self._drain = drain
        self._caches = caches
        self._rests: list[Rest] = []
        self._steps: list[Step] = []
        self._looked_again = -1
        self._longest = int(limits.virtual_seconds * NANO)
        self._some_slept = False  # inside the kernel, `State.INSIDE`
        seen = Seen(spun, events, self._recorder.processes, self.clock)
        self._turns = Turns(
            schedule.start(),
            self._threads,
            self._traced,
            self.clock,
            limits,
            seen,
            events,
        )
        self._deaths = Deaths(
            self._threads,
            self._traced,
            self._recorder,
            self._stops,
            self._bounds,
            self._turns,
            fine=schedule.fine,
        )
        self._births = Births(
            self._threads,
            self._traced,
            objects,
            self._recorder,
            self._stops,
            self._bounds,
            self._turns,
            self._deaths,
        )
        self.serving = Serving(
            threads=self._threads,
            traced=self._traced,
            clock=self.clock,
            objects=objects,
            reach=self.reach,
            limits=limits,
            stops=self._stops,
            recorder=self._recorder,
            turns=self._turns,
            deaths=self._deaths,
            bounds=self._bounds,
            taken=self._taken,
            pipe_size=pipe_size,
            tells_names=schedule.fine,
            foreground=foreground,
            collect_woken=self._collect_woken,
        )
        self._preempting = Preempting(
            self.clock,
            self._turns,
            self._stops,
            self._bounds,
            seen,
            caches,
            find_lines,
        )

    # --- the face towards program.py ------------------------------------------

    def attach(self, pid: int, argv: tuple[str, ...]) -> None:
        """Become the tracer of the program's first process, which still waits.

        Raises ``PermissionError`` where ptrace(2) is refused.
        """
        ptrace.seize(pid)
        self._births.first(pid, argv)

    def begin(self) -> None:
        """The first process was let go: run it up to its first call."""
        (thread,) = self._threads.values()
        thread.after_write = True  # stop it before that call, not after
        self._run(thread)

    def advance(self) -> Outcome:
        """Run the program until nothing in it can go on, or a limit is hit."""
        while self._threads:
            if self._bounds.are_exceeded(self._turns.running):
                return Outcome.EXCEEDED
            self._settle()
            if self._wake_the_due():
                continue  # a signal may have woken one that sleeps in the kernel
            deadline = self._turns.next_deadline(self._longest)
            thread = self._turns.pick(deadline is not None)
            if thread is not None:
                self._step(thread)
            elif not self._threads:
                break
            elif deadline is None:
                if not self._look_again():
                    return Outcome.REST
            else:
                self._jump(deadline)
        return Outcome.ENDED

    def _look_again(self) -> bool:
        """Before it is called a rest: whether somebody may go on after all.

        The kernel does things of which no call of the program tells: it sends
        signals of its own, and files change that somebody watches.
        """
        if self._looked_again == len(self._recorder.events):
            return False
        self._looked_again = len(self._recorder.events)
        for thread in list(self._threads.values()):
            hold = thread.hold
            if thread.state is State.HELD and hold is not None:
                thread.signalled = True
                # What a thread waits for that waits for a lock, calls tell of.
                waits = hold.wakes not in (Stir.LOCK, Stir.NOTHING)
                thread.stirred = waits or self.serving.has_signal(thread)
        return any(self._turns.is_able(thread) for thread in self._threads.values())

    def live_on(self, seconds: float) -> None:
        """At a rest: from now on so many virtual seconds may pass, whatever the limit.

        Who only wakes up to sleep again does so much longer before that is a rest.
        """
        self._longest = max(self._longest, self.clock.now + int(seconds * NANO))
        self._turns.wait_longer(seconds)

    def rest(self) -> Rest:
        """What the program is doing, now that nothing in it can go on."""
        rest = Rest(
            self.clock.seconds,
            len(self._recorder.events),
            snapshots(self._recorder.processes, self._traced),
        )
        self._rests.append(rest)
        return rest

    def check_time(self) -> None:
        """At a rest that is the end: see whether time alone would go on too long."""
        moments = [
            (thread.hold.deadline, thread.pid)
            for thread in self._threads.values()
            if thread.hold and thread.hold.deadline is not None
        ]
        first, pid = min(moments, default=(0, None))
        most = self._limits.virtual_seconds
        if first > most * NANO:
            self._bounds.exceed(Excess(Limit.VIRTUAL_TIME, first / NANO, most), pid)

    def stimulate(self) -> None:
        """Something came from outside: nobody counts as idle any more."""
        for owner in self._traced.values():
            owner.alarms = 0
        for thread in self._threads.values():
            thread.progressed()
            thread.steps = 0
            thread.signalled = thread.stirred = True  # a key may be one that signals

    def send(self, pid: int, number: int) -> bool:
        """Send a signal to a process of the program, from outside.

        Returns whether there was such a process.
        """
        owner = self._traced.get(pid)
        if owner is None:
            return False
        self.stimulate()
        self._send(owner, number)
        if number in (signal.SIGKILL, signal.SIGCONT):
            self._collect_woken([pid])
        return True

    def interrupt_calls(
        self, number: int, times: int, *, after: int, only_writes: bool
    ) -> None:
        """Send a signal to the first process as it enters each of its next calls.

        But for the first `after` of them. `only_writes`: only those that write to a
        standard stream.
        """
        self._interruptions.signal, self._interruptions.left = number, times
        self._interruptions.after = after
        self._interruptions.only_writes = only_writes

    def kill(self) -> None:
        """End whatever still lives of the program, and wait until it is gone."""
        self.serving.end_all()
        for thread in self._threads.values():
            self._stops.resume(thread)  # it may be stopped on its way to its end
        give_up = time.monotonic() + 5.0
        while self._threads and time.monotonic() < give_up:
            for thread in sorted(self._threads.values(), key=lambda t: t.tid == t.pid):
                self._reap_killed(thread)
        for owner in self._traced.values():
            owner.forget_memory()
        self._traced.clear()

    @property
    def alive(self) -> bool:
        """Whether anything of the program still lives."""
        return bool(self._threads)

    def recording(self, stuck: Rest | None, *, stopped: bool = False) -> Recording:
        """The whole run."""
        return Recording(
            schedule=self._schedule.name,
            order=self._schedule.says,
            root=self._recorder.processes[0],
            processes=self._recorder.processes,
            events=self._recorder.events,
            rests=self._rests,
            steps=self._steps,
            stuck=stuck,
            excess=self._bounds.excess,
            stopped=stopped,
            duration=self.clock.seconds,
        )

    # --- time ------------------------------------------------------------------

    def _jump(self, deadline: int) -> None:
        """Every thread waits: let time pass until one of them need not."""
        self.clock.pass_to(max(self.clock.now, deadline))
        for thread in self._threads.values():
            thread.steps = 0

    def _wake_the_due(self) -> bool:
        """Let go on whose time has come: by a jump, or by the steps of others.

        Returns whether a signal was sent.
        """
        sent = False
        now = self.clock.now
        for thread in self._threads.values():
            hold = thread.hold
            if hold is not None and hold.deadline is not None and hold.deadline <= now:
                thread.stirred = True
        for owner in self._traced.values():
            if owner.alarm is not None and owner.alarm <= self.clock.now:
                owner.alarm = (
                    self.clock.now + owner.alarm_interval
                    if owner.alarm_interval
                    else None
                )
                owner.alarms += 1
                self._send(owner, signal.SIGALRM)
                sent = True
        return sent

    def _send(self, owner: Traced, number: int) -> None:
        """Send a signal that no process of the program sends."""
        merged = has_bit(pending(owner), number)
        with suppress(ProcessLookupError):
            os.kill(owner.pid, number)
        self._recorder.record(
            SignalSent, 0, signal=number, target=owner.pid, merged=merged
        )
        for thread in owner.threads.values():
            thread.alert()

    # --- one step --------------------------------------------------------------

    def _step(self, thread: Thread) -> None:
        self.clock.step()
        self._stops.at = thread
        if self._schedule.fine:
            self._steps.append(Step(len(self._recorder.events), thread.pid))
        self._turns.begin(thread)
        if thread in self._deaths.ending:
            self._deaths.end(thread)
            return
        if thread.vfork_child is not None:
            thread.vfork_child = None
        try:
            if self._let_on(thread):
                return
        except ProcessLookupError:
            if not self._was_killed(thread):
                raise
        self._run(thread)

    def _let_on(self, thread: Thread) -> bool:
        """Let a thread go on from where it is; whether its step is over already."""
        if thread.state is State.HELD:
            return self._release(thread)
        if thread.parked is not None:
            call, thread.parked = thread.parked, None
            return self._enter(thread, call)
        self._stops.resume(thread)
        return False

    def _was_killed(self, thread: Thread) -> bool:
        """Whether a thread is no more where it was stopped; it waits for nothing then.

        Not only processes of the program kill: the kernel does so in their name, when
        a child ends whose exit signal is SIGKILL, clone(2), when a parent ends,
        prctl(2), or when something comes to a descriptor, fcntl(2).
        """
        if not self._stops.is_woken(thread):
            return False
        thread.state = State.READY
        thread.hold = thread.parked = thread.call = None
        return True

    def _release(self, thread: Thread) -> bool:
        """Let a held thread go on, in the way that what has happened asks for.

        Returns whether its step is over already.
        """
        hold = thread.hold
        assert hold is not None
        call = hold.call
        thread.state = State.READY
        if hold.woken:
            self._return(thread, hold, 0)
        elif self.serving.has_signal(thread):
            if hold.before and (status := self._stops.skip_to_exit(thread)) != _AT_EXIT:
                return self._digest(thread, status)
            self.serving.interrupt(thread, call, hold.restart)
            thread.interrupted = hold.waiting.call
            left = remaining_address(call)
            if left and hold.deadline is not None:
                remains = max(hold.deadline - self.clock.now, 0)
                thread.owner.write(left, timespec(remains))
        elif hold.deadline is not None and hold.deadline <= self.clock.now:
            self._turns.slept(thread, hold)
            if sleeps_on(thread, thread.idle, self._turns.stretch, self._caches):
                self._turns.looping.add(thread)
                thread.toils = is_nap(hold)
            if hold.expiry is None:
                hold.expired = True
                self.serving.reissue(thread, call)
            else:
                self._return(thread, hold, hold.expiry)
        elif hold.before:
            return self._enter(thread, call)
        else:
            self.serving.reissue(thread, call)
        self._stops.resume(thread)
        return False

    def _return(self, thread: Thread, hold: Hold, result: int) -> None:
        """Let the call that a thread was held in, or before, return this."""
        if hold.before:
            self.serving.answer(thread, result)
        else:
            self.serving.set_result(thread, result)
        self._end_hold(thread)

    def _end_hold(self, thread: Thread, *, interrupted: bool = False) -> None:
        hold, thread.hold = thread.hold, None
        if hold and hold.waiting.call in ("nanosleep", "clock_nanosleep"):
            self._recorder.record(
                Slept,
                thread.pid,
                tid=thread.tid,
                seconds=(self.clock.now - hold.began) / NANO,
                interrupted=interrupted,
            )

    def _run(self, thread: Thread, status: int | None = None) -> None:
        """Follow a resumed thread until its step is over, or a limit is."""
        while not self._bounds.are_exceeded(self._turns.running):
            if status is None:
                status = self._report(thread)
            try:
                if status is None or self._digest(thread, status):
                    return
            except ProcessLookupError:
                if not self._was_killed(thread):
                    raise
            status = None
        if status is None:
            status = self._stops.halt(thread)
        if status is not None:
            self._births.end_newborn(thread, status)

    def _digest(self, thread: Thread, status: int) -> bool:
        """Deal with one report; whether the thread's step is over."""
        self._stops.at = thread
        count_looks(self.clock, thread)
        # By far the most reports are of these two kinds.
        if status == _AT_ENTRY:
            return self._arrive(thread)
        if status == _AT_EXIT:
            return self._leave(thread)
        if not os.WIFSTOPPED(status):
            self._deaths.died(thread, status)
            return True
        number, event = os.WSTOPSIG(status), status >> 16
        if event == 0:
            self._deliver(thread, number)
            return False
        if event in BIRTHS:
            self._births.forked(thread, event)
            return True
        if event == ptrace.Event.EXEC:
            self._births.executed(thread)
            return False
        if event == ptrace.Event.EXIT:
            self._deaths.exiting(thread)
            return True
        if event == ptrace.Event.STOP:
            return self._stopped(thread, number)
        self._stops.resume(thread)  # VFORK_DONE
        return False

    def _arrive(self, thread: Thread) -> bool:
        """A thread is about to make a call; whether its step ends before it."""
        number, arguments, stack = self._stops.registers(thread).call()
        if number == syscalls.CLOCK_GETTIME and not self._interruptions.left:
            return self._tell_time(thread, arguments)
        if number in TAKING:
            excess = self._taken.excess(thread, number, arguments, self._traced)
            if excess is not None:
                self._bounds.exceed(excess, thread.pid)
                return True  # it is not made any more
            if number in self._only_taking:
                self._stops.resume(thread)
                return False
        name = syscalls.NAMES.get(number, f"call {number}")
        call = Call(number, name, arguments, stack)
        if number in _POLICED or (number in _NAMING and not self._schedule.fine):
            self._police(thread, call)
            return False
        if thread.after_write and not self._is_harmless(thread, call):
            thread.after_write = False
            thread.parked = call
            return True
        if (
            self._schedule.fine
            and thread.number == 0
            and self._is_standard_write(thread, call)
        ):
            thread.parked = call
            return True
        return self._enter(thread, call)

    def _police(self, thread: Thread, call: Call) -> None:
        """See that a call stays within the program, which is all that matters of it."""
        watched = TABLE[call.name].enter(self.serving, thread, call) is Then.WATCH
        if watched:
            thread.call = call
        self._stops.resume(thread, to_exit=watched)

    def _tell_time(self, thread: Thread, arguments: tuple[int, ...]) -> bool:
        """Answer the most frequent of all calls; whether its step ends before it.

        Some interpreters look at the clock at each lock that they take.
        """
        if look(self.serving, thread, arguments[0], arguments[1]):
            self.serving.answer(thread, 0)
            status = self._looked(thread)
            if status is not None:
                return self._digest(thread, status)
        if watches_clock(thread):
            return True
        self._stops.resume(thread)
        return False

    def _looked(self, thread: Thread) -> int | None:
        """A look at the clock was answered: those that follow need not be calls.

        What the thread reports where it was killed meanwhile, waitpid(2).
        """
        owner = thread.owner
        if not owner.functions:
            return None
        owner.called_looks += 1
        if owner.called_looks < GIVEN_AT:
            return None
        functions, owner.functions = owner.functions, 0
        return give_page(thread, functions, self.clock.descriptor)

    def _is_harmless(self, thread: Thread, call: Call) -> bool:
        """Whether a call may follow a write to a standard stream in one step."""
        if call.name in _LOOKS_AT_CLOCK:
            return True
        return self._is_standard_write(thread, call)

    def _is_standard_write(self, thread: Thread, call: Call) -> bool:
        if call.name not in _WRITES:
            return False
        opened = thread.owner.files.at(call.arguments[0])
        return opened is not None and opened.standard

    def _enter(self, thread: Thread, call: Call) -> bool:
        """Let a thread into a call; whether it was kept out instead."""
        standard = self._is_standard_write(thread, call)
        if (
            standard
            and self._recorder.output + asked(thread, call) > self._limits.output_bytes
        ):
            self._excess_output(thread, call)
            return True
        # An interrupted traceback would hide what the first interrupt did.
        of_errors = standard and call.arguments[0] == 2
        interrupted = thread.number == 0 and not of_errors
        if interrupted and self._interruptions.is_due(writes=standard):
            self._send(thread.owner, self._interruptions.signal)
        if self._deaths.ending:
            self._deaths.end_before_it_is_seen(thread, call)
        naps = thread.naps
        then = TABLE.get(call.name, PLAIN).enter(self.serving, thread, call)
        if thread.hold is not None and then is not Then.HELD and then is not Then.WATCH:
            self._end_hold(thread)  # it is over with its call
        if then is Then.OVER:
            if thread.naps > naps and not thread.idle:
                # That sleep had no length.
                stretch = self._turns.stretch
                if sleeps_on(thread, thread.naps, stretch, self._caches):
                    self._turns.looping.add(thread)
            return True
        if then is not Then.ANSWERED:
            thread.looks = thread.next_turn = 0
        if then is Then.HELD:
            assert thread.hold is not None
            thread.hold.before = True
            thread.state = State.HELD
            return True
        if then is Then.WATCH:
            thread.call = call
            if self._stops.tells_lines:
                call.line = self._stops.line_of(thread.pid)
            self._stops.resume(thread, to_exit=True)
            return False
        if then is Then.ANSWERED and call.name in _LOOKS_AT_CLOCK:
            status = self._looked(thread)
            if status is not None:
                return self._digest(thread, status)
        if watches_clock(thread):
            return True
        self._stops.resume(thread)
        return False

    def _excess_output(self, thread: Thread, call: Call) -> None:
        """Keep what still fits of a write that is too much; the run ends here."""
        room = max(self._limits.output_bytes - self._recorder.output, 0)
        opened = thread.owner.files.at(call.arguments[0])
        assert opened is not None
        data = b""
        if call.name == "write":
            data = thread.owner.read(call.arguments[1], min(room, 1 << 16))
        self._recorder.record(
            Wrote,
            thread.pid,
            fd=call.arguments[0],
            target=opened.target,
            data=data,
            count=len(data),
            error=0,
        )
        would = self._recorder.output + asked(thread, call) - len(data)
        most = self._limits.output_bytes
        self._bounds.exceed(Excess(Limit.OUTPUT, would, most), thread.pid)
        thread.parked = call

    def _leave(self, thread: Thread) -> bool:
        """A thread is at the exit of a call; whether its step is over."""
        call, thread.call = thread.call, None
        if call is None:
            self._stops.resume(thread)
            return False
        result = self._stops.registers(thread).result
        for address, data in call.memory:
            thread.owner.write(address, data)
        call.memory = ()
        if call.changed:
            registers = self._stops.registers(thread)
            for index, value in call.changed:
                registers.set_argument(index, value)
            if result == -516:
                # poll(2) would go on in the kernel, with the time it was given.
                registers.interrupted(call.number, syscalls.RESTART_WITHOUT_HANDLER)
            self._stops.write_registers(thread)
        fruitless, output = thread.fruitless, self._recorder.output
        after = TABLE.get(call.name, PLAIN).leave(self.serving, thread, call, result)
        if self._recorder.output > output:
            self._drain()
        if after is After.HELD:
            assert thread.hold is not None
            thread.hold.before = False
            thread.state = State.HELD
            return True
        if not thread.cleared and not interrupted(result):
            self._end_hold(thread)
        if thread.fruitless > fruitless and comes_back(thread, self._caches):
            self._turns.looping.add(thread)
        if after is After.SWITCH and not thread.after_write:
            return True
        self._stops.resume(thread)
        return False

    def _deliver(self, thread: Thread, number: int) -> None:
        """A signal has reached a thread: let it act."""
        signals = signals_of(thread.pid, thread.tid)
        if has_bit(signals.caught, number):
            action = "handler"
        elif has_bit(signals.ignored, number):
            action = "ignore"
        else:
            action = "ignore" if number in _IGNORED_BY_DEFAULT else "default"
        self._recorder.record(
            SignalDelivered,
            thread.pid,
            signal=number,
            action=action,
            interrupted=thread.interrupted,
        )
        thread.interrupted = None
        if action == "handler":
            self._end_hold(thread, interrupted=True)
            thread.owner.has_handled = True
            thread.progressed()
        elif action == "default" and number in _STOPPING:
            owner = thread.owner
            owner.signals_of_parent = self._deaths.signals_of_parent(owner.record)
        thread.inject = number
        self._stops.resume(thread)

    # --- stopped and continued -------------------------------------------------

    def _stopped(self, thread: Thread, number: int) -> bool:
        if number not in _STOPPING:
            if thread.state is State.STOPPED:
                thread.state = State.READY
                self._recorder.record(Continued, thread.pid)
                return True
            self._stops.resume(thread)
            return False
        first = all(t.state is not State.STOPPED for t in thread.owner.threads.values())
        thread.state = State.STOPPED
        ptrace.listen(thread.tid)
        if first:
            self._recorder.record(Stopped, thread.pid, signal=number)
            self._deaths.tell_parent(
                thread.owner.record, thread.owner.signals_of_parent
            )
        return True

    def _collect_woken(self, pids: list[int]) -> None:
        """SIGKILL or SIGCONT was sent to `pids`: wait for those whom it woke."""
        caller = self._stops.at
        for thread in list(self._threads.values()):
            if thread.tid not in self._threads or thread.state is State.INSIDE:
                continue
            if thread.state is State.STOPPED:
                if thread.pid in pids:
                    self._collect_continued(thread)
            elif thread in self._deaths.ending:
                self._deaths.end(thread)
            elif self._stops.is_woken(thread):
                thread.state = State.READY
                thread.hold = thread.parked = thread.call = None
                self._run(thread)
        self._stops.at = caller

    def _collect_continued(self, thread: Thread) -> None:
        """A stopped thread may have been continued or killed: see whether it was."""
        for _ in range(20):
            status = ptrace.poll(thread.tid)
            if status is not None:
                if not self._digest(thread, status):
                    self._run(thread)
                return
            signal.sigtimedwait({signal.SIGCHLD}, 0.0005)

    # --- the kernel's reports ---------------------------------------------------

    def _report(self, thread: Thread) -> int | None:
        """What a resumed thread reports; None where it sleeps or was preempted."""
        if len(thread.owner.threads) > 1 and thread.executes:
            return self._follow_exec(thread)
        limit = used = asleep = 0
        while True:
            status = ptrace.poll(thread.tid)
            if status is not None:
                return status
            if signal.sigtimedwait({signal.SIGCHLD}, _PATIENCE) is not None:
                continue
            self._drain()
            state = state_of(thread.tid)
            # What is printed is drained, so whoever prints goes on, if not at once.
            if state == "S" and not (thread.call and thread.call.prints):
                # Looked at twice: it may have been on its way into its stop.
                asleep += 1
                if asleep == 2:
                    status = ptrace.poll(thread.tid)
                    if status is not None:
                        return status
                    thread.state = State.INSIDE
                    self._some_slept = True
                    count_looks(self.clock, thread)
                    if thread.call:
                        name = thread.call.name
                        TABLE.get(name, PLAIN).asleep(self.serving, thread, thread.call)
                    return None
            elif state == "R":
                asleep = 0
                used = cpu_time(thread.pid)
                limit = limit or used + self._preempting.slice_of(thread)
            if 0 < limit <= used or self._bounds.are_exceeded(self._turns.running):
                status = self._preempting.preempt(thread)
                if status != RUNS_ON:
                    return status
                limit = 0

    def _follow_exec(self, thread: Thread) -> int | None:
        """What a thread reports that executes a program while it has siblings.

        They end for it, and it may report under its leader's id: ptrace(2),
        "execve(2) under ptrace". None where it did so, and its step is over.
        """
        owner = thread.owner
        while not self._bounds.are_exceeded(self._turns.running):
            for one in list(owner.threads.values()):
                try:
                    status = ptrace.poll(one.tid)
                except ChildProcessError:
                    continue  # its id is no more
                if status is None:
                    continue
                if one is thread:
                    return status
                if os.WIFSTOPPED(status) and status >> 16 == ptrace.Event.EXEC:
                    self._births.executed(thread)
                    self._run(owner.threads[owner.pid])
                    return None
                if os.WIFSTOPPED(status):
                    self._stops.resume(one)
            signal.sigtimedwait({signal.SIGCHLD}, _PATIENCE)
        return None

    def _settle(self) -> None:
        """See whether the last step woke a thread that sleeps inside the kernel."""
        if not self._some_slept:
            return
        inside = [t for t in self._threads.values() if t.state is State.INSIDE]
        for thread in inside:
            if thread.state is not State.INSIDE:
                continue  # gone, or let go on, by the step of another
            status, thread.report = thread.report or ptrace.poll(thread.tid), None
            if status is not None:
                thread.state = State.READY
                self._run(thread, status)
            elif state_of(thread.tid) not in ("S", ""):
                thread.state = State.READY
                self._run(thread)

    def _reap_killed(self, thread: Thread) -> None:
        try:
            status = ptrace.poll(thread.tid)
        except ChildProcessError:
            self._threads.pop(thread.tid, None)
            return
        if status is None:
            signal.sigtimedwait({signal.SIGCHLD}, 0.0005)
        elif os.WIFSTOPPED(status):
            self._stops.resume(thread)
        else:
            self._threads.pop(thread.tid, None)
