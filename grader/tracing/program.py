"""A traced program, as its user holds it: start, rest, signal, type, finish."""

from __future__ import annotations

import _thread
import contextlib
import errno
import fcntl
import functools
import os
import resource
import select
import shutil
import signal
import socket
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.tracing.caches import Caches
from grader.tracing.confinement import Reach, domain, tracer_keeps_files
from grader.tracing.errors import SEE_DOCTOR, TracingError, TracingRefused
from grader.tracing.launch import Zygote
from grader.tracing.limits import THREADS, Limits
from grader.tracing.lines import SourceLines, layout
from grader.tracing.preloading import first_imports_of
from grader.tracing.recording import Limit, Recording, Rest, Stream
from grader.tracing.schedule import Schedule, take_turns
from grader.tracing.scratch import scratch_folder
from grader.tracing.spinning import Spun
from grader.tracing.tracer import Outcome, Tracer
from grader.tracing.zygote import Job

_ADDRESS_SPACE = 8 << 30
_STACK = 8 << 20  # what a thread reserves, and hardly uses

# What is larger does not fit into a message, unix(7).
_LARGEST_CODE = 1 << 15

_END_OF_INPUT = b"\x04"  # Ctrl-D, termios(3)
_KEYS_THAT_SIGNAL = frozenset(b"\x03\x1a\x1c")  # Ctrl-C, Ctrl-Z, Ctrl-\\
_PATIENCE_FOR_ECHO = 50  # milliseconds
_TYPED_AHEAD = 2048  # bytes; a terminal drops what is typed beyond 4096, termios(3)


class Program:
    """A program under the tracer. Made by `trace`.

    It does not run by itself: `until_rest`, `send`, `type` and `finish` let it run,
    and between them it is stopped.
    """

    def __init__(
        self, tracer: Tracer, pid: int, streams: _Streams, gate: socket.socket
    ) -> None:
        self._tracer = tracer
        self._streams = streams
        self._gate = gate
        self._recording: Recording | None = None
        self.pid = pid

    def until_rest(self) -> Rest:
        """Run until nothing in the program can go on without the world outside.

        Returns what each process is doing then; without processes where the
        program has ended or hit a limit.
        """
        if self._recording is None:
            self._advance()
        return self._tracer.rest()

    def send(self, number: int, pid: int | None = None) -> bool:
        """Send a signal, to the first process or to `pid`.

        Nothing runs yet; call `until_rest` or `finish` next. Returns whether the
        process was there to receive it.
        """
        return self._tracer.send(self.pid if pid is None else pid, number)

    def live_on(self, seconds: float) -> Rest:
        """Run on from a rest for so many virtual seconds, in which nobody comes.

        Also beyond the limit of virtual time; and of a program that wakes up again and
        again, 10,000 times are seen. Returns what `until_rest` does.
        """
        if self._recording is None:
            self._tracer.live_on(seconds)
        return self.until_rest()

    def interrupt_calls(
        self, number: int, times: int, *, after: int = 0, only_writes: bool = False
    ) -> None:
        """Send a signal as the first process enters each of its next `times` calls.

        But for the first `after` of them. `only_writes`: only those that write to a
        standard stream. Such a write returns EINTR, signal(7), which nothing else in a
        run brings about.
        """
        self._tracer.interrupt_calls(
            number, times, after=after, only_writes=only_writes
        )

    def type(self, data: bytes) -> None:
        """Type on the terminal, or write to the pipe, that is standard input.

        What does not fit there at once follows as the program reads. Raises
        ``ValueError`` where the program was started without one.
        """
        self._streams.type(data)
        self._tracer.stimulate()

    def close_input(self) -> None:
        """End standard input: the program reads end of file there."""
        self._streams.close_input()
        self._tracer.stimulate()

    def reads_input(self) -> bool:
        """Run to the next rest; whether a process waits there for standard input."""
        return any(
            end in (Stream.INPUT, Stream.TERMINAL)
            for process in self.until_rest().processes
            for waiting in process.waits
            for end in waiting.ends
        )

    def finish(self, *, may_sleep_on: bool = False) -> Recording:
        """Run to the end, end what is left by force, and return the recording.

        Where the program waits for something that will never come, or hits a
        limit, the recording says so in ``stuck`` or ``excess``. Who sleeps until
        after the limit of virtual time has hit it, unless it `may_sleep_on`: then it
        is at rest, as in `until_rest`.
        """
        if self._recording is None:
            outcome = self._advance()
            stuck = self._tracer.rest() if outcome is Outcome.REST else None
            if stuck is not None and not may_sleep_on:
                self._tracer.check_time()
            self._tracer.kill()
            self._recording = self._tracer.recording(stuck)
        return self._recording

    def _advance(self) -> Outcome:
        while True:
            outcome = self._tracer.advance()
            if outcome is Outcome.ENDED:
                _check_started(self._gate)
            if outcome is not Outcome.REST or not self._streams.feed():
                return outcome
            self._tracer.stimulate()

    def stop(self) -> Recording:
        """End the program where it stands, and return the recording."""
        if self._recording is None:
            lived = self._tracer.alive
            self._tracer.kill()
            self._recording = self._tracer.recording(None, stopped=lived)
        return self._recording


@dataclass(slots=True)
class _Streams:
    """The program's standard streams: its ends and ours.

    `unread` is what waits for room in standard input, `ends` whether its end is to
    follow. `keyboard` is the program's end of the terminal, if there is one.
    """

    theirs: list[int]
    ours: list[int]
    input: int | None
    names: dict[str, Stream]
    keyboard: int | None = None
    unread: bytes = b""
    ends: bool = False

    @classmethod
    def make(cls, stdout: str, stdin: bytes | None) -> _Streams:
        if stdout == "terminal":
            return cls._terminal(stdin)
        if stdout != "pipe":
            raise ValueError(f'stdout is "terminal" or "pipe", not {stdout!r}')
        output, their_output = os.pipe2(os.O_CLOEXEC)
        errors, their_errors = os.pipe2(os.O_CLOEXEC)
        their_input, ours = os.pipe2(os.O_CLOEXEC)
        for fd in (output, errors):
            os.set_blocking(fd, False)
            # Room for a burst that comes before the tracer looks.
            with contextlib.suppress(OSError):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 1 << 20)
        os.set_blocking(ours, False)
        names = {
            _name(their_input): Stream.INPUT,
            _name(their_output): Stream.OUTPUT,
            _name(their_errors): Stream.ERROR,
        }
        streams = cls(
            [their_input, their_output, their_errors], [output, errors], ours, names
        )
        if stdin is not None:
            streams.type(stdin)
            streams.close_input()
        return streams

    @classmethod
    def _terminal(cls, stdin: bytes | None) -> _Streams:
        ours, theirs = os.openpty()
        os.set_blocking(ours, False)
        names = {_name(theirs): Stream.TERMINAL}
        keyboard = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, 0)
        streams = cls([theirs, theirs, theirs], [ours], ours, names, keyboard)
        if stdin:
            streams.type(stdin)
        return streams

    def release(self) -> None:
        """The program has its ends; ours of them are closed."""
        for fd in set(self.theirs):
            os.close(fd)
        self.theirs = []

    @property
    def terminal(self) -> str | None:
        """The name of the program's terminal, if it has one."""
        return None if self.keyboard is None else os.ttyname(self.keyboard)

    def drain(self) -> None:
        """Empty what the program printed: it is in the recording already."""
        for fd in self.ours:
            with contextlib.suppress(OSError):
                while os.read(fd, 1 << 16):
                    pass

    def foreground(self) -> int | None:
        """The group that the terminal is for, tcgetpgrp(3); None without a terminal."""
        return None if self.keyboard is None else os.tcgetpgrp(self.ours[0])

    def type(self, data: bytes) -> None:
        if self.input is None or self.ends:
            raise ValueError("the program's standard input is closed")
        self.unread += data
        self.feed()

    def close_input(self) -> None:
        if self.keyboard is not None:
            self.type(_END_OF_INPUT)
        else:
            self.ends = True
            self.feed()

    def feed(self) -> bool:
        """Give the program as much of its input as it has room for; whether any."""
        if self.input is None:
            return False
        size = len(self.unread)
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            while self.unread:
                # A terminal takes a line at a time, and drops what is too long.
                end = self.unread.find(b"\n") + 1 or len(self.unread)
                part = self.unread if self.keyboard is None else self.unread[:end]
                waiting = self._lying_there()
                if self.keyboard is not None and waiting + len(part) > _TYPED_AHEAD:
                    break
                if self.keyboard is not None:
                    self.drain()  # what is there afterwards is an echo of this
                count = os.write(self.input, part)
                self.unread = self.unread[count:]
                if self.keyboard is not None:
                    self._await_arrival(part[:count], waiting)
        fed = len(self.unread) < size
        if self.ends and not self.unread:
            os.close(self.input)
            self.input = None
            return True
        return fed

    def _lying_there(self) -> int:
        """How many typed bytes the program can read now, tty_ioctl(4)."""
        if self.keyboard is None:
            return 0
        size = fcntl.ioctl(self.keyboard, termios.FIONREAD, bytes(4))
        return int.from_bytes(size, sys.byteorder)

    def _await_arrival(self, typed: bytes, before: int) -> None:
        """The terminal hands typed bytes on in the kernel's own time.

        It is the one thing in a run that no system call of the program brings about.
        """
        assert self.keyboard is not None
        if not _KEYS_THAT_SIGNAL.isdisjoint(typed):
            # A key is echoed once its signal is sent; a terminal may be without echo.
            echo = select.poll()
            echo.register(self.ours[0], select.POLLIN)
            echo.poll(_PATIENCE_FOR_ECHO)
        give_up = time.monotonic() + 1.0
        readable = select.poll()
        readable.register(self.keyboard, select.POLLIN)
        complete = typed.endswith((b"\n", _END_OF_INPUT))
        while complete and time.monotonic() < give_up:
            if self._lying_there() > before or (before == 0 and readable.poll(0)):
                return
            time.sleep(0.0002)
        time.sleep(0.002)

    def close(self) -> None:
        for fd in {*self.theirs, *self.ours, self.input, self.keyboard}:
            if fd is not None:
                os.close(fd)


def _name(fd: int) -> str:
    return os.readlink(f"/proc/self/fd/{fd}")


@contextlib.contextmanager
def trace(
    argv: Sequence[str],
    *,
    schedule: Schedule = take_turns,
    stdout: str = "terminal",
    stdin: bytes | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen: sharing it is harmless
    directory: str | os.PathLike[str] | None = None,
    pipe_size: int | None = None,
    zygote: Zygote | None = None,
    spun: Spun | None = None,
    code: bytes = b"",
    lines: bool = False,
    loopback: bool = True,
) -> Iterator[Program]:
    """Start a program under the tracer and hold it before its first call.

    `argv` is the program and its arguments; a Python file is run by this
    interpreter, as ``python argv[0] ...`` would, anything else is executed.
    `stdout` is "terminal" or "pipe" (redirected); `stdin` is what it can read,
    None leaves standard input open for `Program.type`. `pipe_size` shrinks the
    pipes that the program makes, in bytes, pipe(7); to less than a page only until
    somebody reads from one or polls it. `directory` is where it runs
    (default: a scratch folder that is removed afterwards). `zygote` is a warm
    interpreter to fork it from; without one, one is started and ended. `spun` knows
    where it was seen spinning in runs that began like this one. `code` is what the
    Python file is `zygote.compiled` to; then the file itself is not read. `lines`:
    events tell the line of the program that made them, where that can be known.
    `loopback`: it may use the network's protocols, to speak to itself. What else it may
    reach is said in `confinement`.

    At the end of the ``with`` block nothing of the program is left.

    Raises `TracingRefused` where this machine does not permit ptrace(2),
    `TracingError` where the tracer cannot do its work, ``FileNotFoundError`` where
    there is no such program, ``PermissionError`` where it may not be run.
    """
    path = _find(argv[0])
    if not os.access(path, os.R_OK if _is_python(path) else os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    with contextlib.ExitStack() as cleanup:
        if zygote is None:
            zygote = cleanup.enter_context(zygote_for(path))
        if directory is None:
            directory = cleanup.enter_context(scratch_folder())
        folder = os.path.abspath(directory)
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        cleanup.callback(signal.pthread_sigmask, signal.SIG_SETMASK, masked)
        streams = _Streams.make(stdout, stdin)
        cleanup.callback(streams.close)
        keeps = tracer_keeps_files()
        reach = Reach(folder, loopback, path, streams.terminal, keeps)

        @functools.cache
        def find_lines() -> SourceLines | None:
            return _source_lines(zygote, argv[0]) if _is_python(path) else None

        tracer = Tracer(
            schedule,
            limits,
            streams.names,
            streams.drain,
            Caches(zygote.interpreter),
            streams.foreground,
            pipe_size,
            spun,
            find_lines() if lines else None,
            reach,
            find_lines,
        )
        cleanup.callback(tracer.clock.close)
        job: Job = (
            path,
            list(argv),
            _is_python(path),
            folder,
            streams.keyboard is not None,
            os.getpid(),
            _resource_limits(limits),
            schedule.fine,
            code if len(code) <= _LARGEST_CODE else b"",
            domain(folder, path, streams.terminal, loopback=loopback),
            reach.keeps,
        )
        cleanup.callback(_share_a_core(zygote))
        our_gate, gate = socket.socketpair()
        cleanup.enter_context(our_gate)
        with gate:
            cleanup.callback(tracer.reach.shared.remove)
            theirs = [*streams.theirs, gate.fileno(), tracer.clock.descriptor]
            pid = zygote.spawn(job, theirs)
        _take_a_pid()
        cleanup.callback(zygote.sweep)
        cleanup.callback(tracer.kill)
        streams.release()
        try:
            tracer.attach(pid, tuple(argv))
        except PermissionError as error:
            _check_started(our_gate)
            raise TracingRefused(
                f"this machine does not permit tracing: {error}{SEE_DOCTOR}"
            ) from error
        with contextlib.suppress(OSError):  # it has ended, and said why
            our_gate.send(b"!")
        tracer.begin()
        yield Program(tracer, pid, streams, our_gate)


def _check_started(gate: socket.socket) -> None:
    """Raises `TracingError` where a program says that it was not started."""
    with contextlib.suppress(OSError):
        if said := gate.recv(1 << 12, socket.MSG_DONTWAIT):
            raise TracingError(said.decode(errors="replace").strip())


def zygote_for(program: str) -> Zygote:
    """A zygote for many runs of one program, which has its first imports.

    Raises ``FileNotFoundError`` where there is no such program, and `TracingRefused`
    where this machine does not permit ptrace(2).
    """
    path = _find(program)
    return Zygote(first_imports_of(path) if _is_python(path) else ())


def _source_lines(zygote: Zygote, file: str) -> SourceLines | None:
    known = layout()
    return SourceLines(known, zygote.interpreter(), file) if known else None


def _take_a_pid() -> None:
    """Use up one number, so that no program can guess its first child's."""
    over = _thread.allocate_lock()
    over.acquire()
    _thread.start_new_thread(over.release, ())
    over.acquire()


def _share_a_core(zygote: Zygote) -> Callable[[], None]:
    """Keep the tracer on the core of its tracees; undoes it for the tracer.

    Only one of them ever runs, and handing over to another core costs more than
    twice as much: 71 against 19 microseconds a stop on a 2-core machine. A tracer
    that is bound to one core leaves it so, and its zygote to whoever bound it.
    """
    before = os.sched_getaffinity(0)
    if len(before) == 1:
        return lambda: None
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {zygote.settle(before)})

    def undo() -> None:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, before)

    return undo


def run(argv: Sequence[str], **options: object) -> Recording:
    """Run a program to its end; the options are those of `trace`."""
    with trace(argv, **options) as program:  # type: ignore[arg-type]  # passed on
        return program.finish()


def _find(name: str) -> str:
    """The file that a program's name stands for, as a shell would find it."""
    if os.path.isfile(name):
        return os.path.abspath(name)
    found = None if "/" in name else shutil.which(name)
    if found is None:
        raise FileNotFoundError(2, "No such program", name)
    return os.path.abspath(found)


def _is_python(path: str) -> bool:
    if Path(path).suffix == ".py":
        return True
    # Without waiting: it may be a FIFO or a device.
    with (
        contextlib.suppress(OSError),
        open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file,
    ):
        first = file.readline(256)
        return first.startswith(b"#!") and b"python" in first
    return False


def _resource_limits(limits: Limits) -> list[tuple[int, int]]:
    """Second lines of defence: the tracer counts for itself, setrlimit(2).

    Where those of whoever grades are lower, they stay: nobody may raise them.
    """
    stacks = (THREADS * limits.processes + 1) * _STACK
    wanted = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, _ADDRESS_SPACE),
        (resource.RLIMIT_DATA, (limits.memory_mib << 20) + stacks),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.descriptors),
        (resource.RLIMIT_CPU, int(limits.cpu_seconds) + 5),
    ]
    return [(which, _permitted(which, value)) for which, value in wanted]


def _permitted(which: int, value: int) -> int:
    _, most = resource.getrlimit(which)
    return value if most == resource.RLIM_INFINITY else min(value, most)


__all__ = [
    "Limit",
    "Limits",
    "Program",
    "TracingError",
    "TracingRefused",
    "Zygote",
    "run",
    "trace",
    "zygote_for",
]
