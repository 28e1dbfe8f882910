"""Calls that a stopped thread makes for the tracer, of which its program knows nothing.

Theory of operation. The thread is stopped before a call of its own. In place of that
call it makes another one, and goes on at a piece of code, `syscalls.clock_code`, that
makes one more, at which the filter stops: so there is always a next call to be replaced
by what the tracer wants. In the end it has its registers back, and is where it was,
before its own call.

Meanwhile nothing else happens to it: its signals wait, and the other threads are
stopped, as always. None of these calls must be one that blocks.
"""

from __future__ import annotations

import errno
import os
import signal
from contextlib import suppress
from types import TracebackType
from typing import Final

from grader.tracing import ptrace, syscalls

_ALL: Final = (1 << 64) - 1
_STOPPING: Final = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_FAILED: Final = -errno.EIO


class Injected:
    """A thread as long as it makes the tracer's calls; a context manager.

    `status` is what it reports, waitpid(2), if it was killed meanwhile.
    """

    def __init__(self, tid: int, at: int) -> None:
        """`at` is the address of the calls of `syscalls.clock_code` in its memory."""
        self.tid = tid
        self.status: int | None = None
        self._at = at
        self._registers = syscalls.Registers()
        self._room = ptrace.RegisterSet(self._registers)
        self._saved = b""
        self._blocked = 0
        self._was_stopped = self._failed = False

    def make(self, number: int, *arguments: int) -> int:
        """Let it make a call; what the kernel returns, -errno where it failed."""
        if self._failed or self.status is not None:
            return _FAILED
        self._registers.make(number, arguments, self._at)
        self._room.write(self.tid)
        if not self._runs_to_next():
            return _FAILED
        self._room.read(self.tid)
        return self._registers.made

    def _runs_to_next(self) -> bool:
        """Let it run to its next call; whether it comes there."""
        while True:
            ptrace.resume(self.tid)
            status = ptrace.wait(self.tid)
            number, event = os.WSTOPSIG(status), status >> 16
            if event == ptrace.Event.SECCOMP:
                return True
            if not os.WIFSTOPPED(status) or event == ptrace.Event.EXIT:
                self.status = status
                return False
            if number in _STOPPING:
                self._was_stopped = True  # of all signals this one comes anyway
            elif event != ptrace.Event.STOP:
                self._failed = True  # the code is not to be executed any more
                return False

    def __enter__(self) -> Injected:
        self._room.read(self.tid)
        self._saved = bytes(self._registers)
        self._blocked = ptrace.get_signal_mask(self.tid)
        ptrace.set_signal_mask(self.tid, _ALL)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.status is not None:
            return
        self._registers.restore(self._saved)
        self._room.write(self.tid)
        ptrace.set_signal_mask(self.tid, self._blocked)
        if self._was_stopped:
            with suppress(ProcessLookupError):
                os.kill(self.tid, signal.SIGSTOP)
