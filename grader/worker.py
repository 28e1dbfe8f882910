"""The process that runs an exercise's checks on submissions.

Theory of operation. A worker is forked before anything else is loaded, and loads
pytest and the tracer while the supervisor, `session`, loads what it needs itself.
Told which exercise, it has pytest collect that exercise's checks, once. Then it waits
for jobs: each is a submission, for which it forks as many *runners* as there are
zygotes. A runner takes the next check that none has taken yet, and forks one *check
process* for it, which traces the submission, forked from the runner's zygote, and sends
its outcome through a socket that ends in the supervisor.

This module imports little: until the worker is forked, everything waits for it.
"""

from __future__ import annotations

import fcntl
import io
import os
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.cores import pin
from grader.errors import GraderError
from grader.exploring.orders import Orders
from grader.tracing.children import fork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import NoReturn

    from grader.checking import Submission
    from grader.shelf import Shelf
    from grader.tracing.limits import Limits

# What no check needs, and what takes longer to load than a check to run.
_UNUSED_PLUGINS = (
    "cacheprovider", "capture", "debugging", "doctest", "faulthandler", "junitxml",
    "legacypath", "logging", "pastebin", "recwarn", "setuponly", "setupplan",
    "stepwise", "subtests", "threadexception", "unittest", "unraisableexception",
    "warnings",
)  # fmt: skip

_FAILED = 70  # sysexits.h: an internal software error

# How long a worker may take to say that a job is over, whose runners have all gone.
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Checks:
    """An exercise's checks: the files that they are in.

    `diagnoses` is the folder of those that the exercise's course has of its own.
    """

    files: Sequence[str]
    diagnoses: Path | None


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do: run checks on one submission.

    `checks` are the ids of those that may be asked for. `program` and `source` are the
    submission's name and bytes; `scratch` is a folder in which it may do anything.
    `notes` is one where it is noted what outlives its runs, see `tracing.shared`.
    `loopback`: it may speak to itself by the network's protocols.
    There is a runner for each of `zygotes`, given by their pids, on the one of `cores`
    in its place, or on any where that is None. `verbose`: a failing run's story has all
    its events. `orders` are the runs that promises of any order are held against.
    """

    checks: Sequence[str]
    verbose: bool
    program: str
    source: bytes
    limits: Limits
    loopback: bool
    scratch: str
    notes: str
    zygotes: Sequence[int]
    cores: Sequence[int | None]
    orders: Orders


@dataclass(frozen=True, slots=True)
class Runner:
    """A process that takes one ticket after the other, and runs that check.

    `channel` is where its outcomes go, `core` the processor that it and its zygote
    use, if it is to be one.
    """

    program: Submission
    channel: int
    core: int | None

    def pin(self) -> None:
        """Run on that core from now on, with all that this process forks."""
        for pid in (0, self.program.zygote.pid):
            pin(pid, self.core)


class Worker:
    """A worker process, which gets ready while its maker does the same.

    A context manager: at its end nothing is left of the worker.
    """

    def __init__(self) -> None:
        self._noise = os.memfd_create("noise", os.MFD_CLOEXEC)
        fcntl.fcntl(self._noise, fcntl.F_SETFL, os.O_APPEND)
        self._jobs = 0
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(_PATIENCE)
        self._collected: Checks | None = None
        self.ended = False
        self.pid = fork()
        if self.pid == 0:
            self._socket.close()
            _serve(theirs, self._noise)
        theirs.close()
        # Here and in the worker: whoever comes first, the group is there.
        with suppress(OSError):
            os.setpgid(self.pid, self.pid)

    def collect(self, checks: Checks) -> None:
        """Have it collect these checks; it has no others ever after.

        What is wrong with them, `finish` says of each job.
        """
        if self._collected is None:
            self._collected = checks
            self._send(checks)
        assert self._collected == checks

    def start(
        self,
        job: Job,
        tickets: int,
        channels: Sequence[int],
        zygotes: Sequence[int],
    ) -> None:
        """Give it a job, and copies of these descriptors.

        From `tickets` comes a byte for each check to run: its place in `job.checks`.
        Each runner has one of `channels` for its outcomes, and one of `zygotes` to ask
        for processes.
        """
        if self._jobs:  # what it printed before is of other submissions
            os.ftruncate(self._noise, 0)
        self._jobs += 1
        self._send(job, tickets, *channels, *zygotes)

    def finish(self) -> None:
        """See that the job, all of whose runners have gone, was done.

        Raises `GraderError` where its runners, or the worker itself, failed.
        """
        answer = b""
        with suppress(OSError):
            while not answer.endswith(_END) and (part := self._socket.recv(1 << 12)):
                answer += part
        if answer != _DONE + _END:
            why = answer.removeprefix(_NOT_DONE).decode(errors="replace").strip()
            why = why or self._noise_now() or "the process that runs them has ended"
            raise GraderError(f"the checks could not be run: {why}")

    def end(self) -> None:
        """End it, if it has not ended, and all its runners."""
        if not self.ended:
            self.ended = True
            self._socket.close()
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def close(self) -> None:
        """End it, and forget what it printed. It is of no use any more."""
        self.end()
        os.close(self._noise)

    def _noise_now(self) -> str:
        """The last lines of what it printed in this job."""
        size = os.fstat(self._noise).st_size
        return os.pread(self._noise, 2000, max(0, size - 2000)).decode(errors="replace")

    def _send(self, request: object, *descriptors: int) -> None:
        import pickle

        data = pickle.dumps(request)
        with suppress(OSError):  # it has ended; `finish` sees that
            head = len(data).to_bytes(_HEAD, "little")
            socket.send_fds(self._socket, [head], descriptors)
            self._socket.sendall(data)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


# --- inside the worker --------------------------------------------------------

_HEAD = 8  # bytes that say how long a request is
_DONE, _NOT_DONE, _END = b"+", b"-", b"\n"


class Desk:
    """Where a worker's jobs come from, and where it says that each is over."""

    def __init__(self, supervisor: socket.socket) -> None:
        self._supervisor = supervisor

    def checks(self) -> Checks | None:
        """The checks that are to be collected; None where no job will come."""
        request, _ = self._receive()
        return request if isinstance(request, Checks) else None

    def next(self) -> Order | None:
        """The next job; None after the last one."""
        from grader.shelf import Shelf

        request, descriptors = self._receive()
        if not isinstance(request, Job):
            return None
        return Order(request, descriptors, Shelf())

    def finished(self, problem: str | None = None) -> None:
        """Say that the job is over; `problem`: that it was not done, and why.

        It may be empty where what was printed says it.
        """
        answer = _DONE
        if problem is not None:
            line = " ".join(problem.split())
            answer = _NOT_DONE + line.encode(errors="backslashreplace")
        self._supervisor.sendall(answer + _END)

    def _receive(self) -> tuple[object, list[int]]:
        import pickle

        head, descriptors, _, _ = socket.recv_fds(self._supervisor, _HEAD, 16)
        if not head:
            return None, []
        rest = int.from_bytes(head, "little")
        data = bytearray()
        while len(data) < rest:
            part = self._supervisor.recv(rest - len(data))
            if not part:
                return None, []  # who asked has ended
            data += part
        return pickle.loads(data), list(descriptors)


@dataclass(frozen=True, slots=True)
class Order:
    """A job as its worker has it: with the descriptors that came with it.

    On `shelf` is what its runners have recorded.
    """

    job: Job
    descriptors: Sequence[int]
    shelf: Shelf

    @property
    def tickets(self) -> int:
        return self.descriptors[0]

    @property
    def channels(self) -> Sequence[int]:
        return self.descriptors[1 : len(self.job.zygotes) + 1]

    def runner(self, place: int, ran: Callable[[float], None]) -> Runner:
        """One of the runners; to be asked for in its own process.

        `ran` is told of each run, see `checking.Submission`.
        """
        from pathlib import Path

        from grader.checking import Submission
        from grader.stage import Stage
        from grader.tracing.launch import Zygote
        from grader.tracing.zygote import compiled

        job = self.job
        zygotes = self.descriptors[len(job.zygotes) + 1 :]
        zygote = Zygote.shared(job.zygotes[place], zygotes[place])
        program = Submission(
            job.program,
            job.source,
            compiled(job.source, job.program),
            Stage(Path(job.scratch), job.program, job.source),
            job.limits,
            job.loopback,
            zygote,
            self.shelf,
            ran,
            job.orders,
        )
        return Runner(program, self.channels[place], job.cores[place])

    def close(self) -> None:
        """Close what the runners have as well."""
        self.shelf.close()
        for descriptor in self.descriptors:
            os.close(descriptor)


def _serve(supervisor: socket.socket, noise: int) -> NoReturn:
    """The worker: get ready, collect the checks, do one job after the other."""
    status = _FAILED
    try:
        os.setpgid(0, 0)
        # Where standard streams are closed, ours may have taken their places.
        noise = fcntl.fcntl(noise, fcntl.F_DUPFD_CLOEXEC, 3)
        ours = fcntl.fcntl(supervisor.detach(), fcntl.F_DUPFD_CLOEXEC, 3)
        _close_all_but(ours, noise)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(noise, 1)
        os.dup2(noise, 2)
        sys.stdout = sys.stderr = io.TextIOWrapper(
            io.FileIO(1, "w", closefd=False), write_through=True
        )
        _get_ready()
        desk = Desk(socket.socket(fileno=ours))
        if checks := desk.checks():
            status = _run(checks, desk)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _close_all_but(*descriptors: int) -> None:
    """What our maker has open is none of a check's business."""
    first = 3
    for kept in sorted(descriptors):
        os.closerange(first, kept)
        first = kept + 1
    os.closerange(first, 1 << 20)


def load() -> None:
    """Load what a job needs; what is forked afterwards has it."""
    import pytest  # noqa: F401

    import grader.plugin
    import grader.report.timeline  # noqa: F401
    from grader.tracing.frozen import open_all

    open_all()


def _get_ready() -> None:
    """Hide, and load what all runners and check processes share."""
    from grader.tracing import ptrace

    ptrace.hide_memory()
    ptrace.end_with_parent()
    load()


def _run(checks: Checks, desk: Desk) -> int:
    """Run pytest on an exercise's checks, for all jobs; its exit status."""
    import pytest

    from grader.diagnosis.texts import also_from
    from grader.plugin import CheckRunner

    # Nothing around the submission or the user's folders configures this run.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    sys.dont_write_bytecode = True
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    os.chdir("/")
    with also_from(checks.diagnoses):
        return int(
            pytest.main(
                [
                    *checks.files,
                    "--noconftest",
                    "--assert=plain",
                    "--import-mode=importlib",
                    f"--rootdir={os.path.dirname(checks.files[0])}",
                    f"--config-file={os.devnull}",
                    "-q",
                    *(f"-pno:{name}" for name in _UNUSED_PLUGINS),
                ],
                plugins=[CheckRunner(desk)],
            )
        )
