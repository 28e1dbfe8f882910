"""Stopped threads: their registers, the line they are at, and letting them go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from grader.tracing import ptrace, syscalls
from grader.tracing.clock import MANY_LOOKS, Clock
from grader.tracing.errors import TracingError
from grader.tracing.lines import SourceLines
from grader.tracing.procfs import state_of
from grader.tracing.tracee import State, Thread


@dataclass(slots=True)
class Interruptions:
    """A signal that the first process is sent at each of the next `left` calls.

    But for the first `after` of them. `only_writes`: only at those that write to a
    standard stream.
    """

    signal: int = 0
    left: int = 0
    after: int = 0
    only_writes: bool = False

    def is_due(self, *, writes: bool) -> bool:
        """Whether it is to come at the call that begins now; each is asked about once.

        `writes`: it writes to a standard stream.
        """
        if not self.left or (self.only_writes and not writes):
            return False
        if self.after:
            self.after -= 1
            return False
        self.left -= 1
        return True


class Stops:
    """What the tracer reads of stopped threads, and does to them.

    `at` is the thread in whose call the tracer acts, so that its line can be read.
    """

    def __init__(
        self, clock: Clock, interruptions: Interruptions, lines: SourceLines | None
    ) -> None:
        """`lines` knows which line of the program a thread is at, if that is asked."""
        self.at: Thread | None = None
        self.tells_lines = lines is not None
        self._clock = clock
        self._interruptions = interruptions
        self._lines = lines
        self._registers = syscalls.Registers()
        self._register_set = ptrace.RegisterSet(self._registers)
        self._registers_of: Thread | None = None

    def registers(self, thread: Thread) -> syscalls.Registers:
        """Its registers; what is changed there is written by `write_registers`."""
        if self._registers_of is not thread:
            self._register_set.read(thread.tid)
            self._registers_of = thread
        return self._registers

    def write_registers(self, thread: Thread) -> None:
        """Change its registers to what `registers` gave last."""
        self._register_set.write(thread.tid)

    def line_of(self, pid: int) -> int | None:
        """The line at which the process makes the call that it is stopped in."""
        thread = self.at
        if self._lines is None or thread is None or thread.pid != pid:
            return None
        owner = thread.owner
        if not owner.has_lines:
            return None
        try:
            return self._lines.line(owner.read, self.registers(thread).fs_base)
        except OSError:  # it was killed while it was stopped
            return None

    def resume(self, thread: Thread, *, to_exit: bool = False) -> None:
        """Let it run on, with the signal that it is to get, if there is one.

        `to_exit`: it stops at the exit of the call that it is about to make.
        """
        number, thread.inject = thread.inject, 0
        if self._registers_of is thread:
            self._registers_of = None
        calls = self._interruptions.left and not self._interruptions.only_writes
        # To one that was executed and waits for the time to come it comes at its calls.
        knows_growth = thread.owner.has_lines or thread.looks < MANY_LOOKS
        self._clock.allow_looks(free=not calls and knows_growth, looks=thread.looks)
        try:
            if to_exit:
                ptrace.resume_to_syscall(thread.tid, number)
            else:
                ptrace.resume(thread.tid, number)
        except ProcessLookupError:
            pass  # it was killed while it was stopped; its end is reported

    def skip_to_exit(self, thread: Thread) -> int:
        """Let a thread pass over the call before which it is; what it reports then.

        Only at a call's exit can it be made to look interrupted.
        """
        self.registers(thread).set_call(-1)
        self.write_registers(thread)
        self.resume(thread, to_exit=True)
        return ptrace.wait(thread.tid)

    def halt(self, thread: Thread) -> int | None:
        """Stop a thread that was let go on: the run is over, or it is not to wake.

        What it reports when it stops, waitpid(2); None where it cannot be stopped.
        """
        with suppress(ProcessLookupError, ChildProcessError):
            ptrace.interrupt(thread.tid)
            # One that waits for its vfork(2) child cannot be stopped, and does nothing.
            for _ in range(100):
                status = ptrace.poll(thread.tid)
                if status is not None:
                    return status
                signal.sigtimedwait({signal.SIGCHLD}, 0.0005)
        return None

    def halt_sleepers(self, threads: Iterable[Thread], *, openers: bool) -> bool:
        """Stop those that sleep in the kernel; whether there were any.

        `openers`: also those that sleep in open(2). Their report is kept for later.
        """
        found = False
        for thread in threads:
            if thread.state is not State.INSIDE or thread.report is not None:
                continue
            if openers or not thread.opens:
                thread.report = self.halt(thread)
                found = True
        return found

    def is_woken(self, thread: Thread) -> bool:
        """Whether a thread has left its stop, or its sleep, because it was killed."""
        if thread.state is State.INSIDE:
            return state_of(thread.tid) != "S"
        try:
            ptrace.event_message(thread.tid)
        except ProcessLookupError:
            return True
        # On its way to its end it stops again, and it may be there by now.
        return ptrace.has_news(thread.tid)

    def to_its_end(self, thread: Thread) -> None:
        """Let a thread that was killed run into its end, but not past it."""
        while True:
            status = ptrace.wait(thread.tid)
            if not os.WIFSTOPPED(status):
                raise TracingError(f"thread {thread.tid} ended unasked")
            self.resume(thread)
            if status >> 16 == ptrace.Event.EXIT:
                return

    def until_dead(self, thread: Thread) -> int:
        """Let a thread that ends be gone; its status, waitpid(2)."""
        while True:
            status = ptrace.wait(thread.tid)
            if not os.WIFSTOPPED(status):
                return status
            self.resume(thread)
