"""The process that runs an exercise's checks on one submission.

Theory of operation. A worker is forked before anything else is loaded, and loads
pytest and the tracer while the supervisor, `session`, loads what it needs itself.
Then it waits for its job. It runs pytest on the exercise's checks, and forks into as
many runners as there are zygotes; each takes the next check that none has taken yet,
and pytest-forked forks one check process for it. A check process traces the
submission, which is forked from the runner's zygote, and sends its outcome through a
socket that ends in the supervisor.

This module imports little: until the worker is forked, everything waits for it.
"""

from __future__ import annotations

import fcntl
import gc
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

from grader.tracing.children import fork

if TYPE_CHECKING:
    from types import TracebackType
    from typing import NoReturn

    from grader.checking import Submission
    from grader.tracing.limits import Limits

# What no check needs, and what takes longer to load than a check to run.
_UNUSED_PLUGINS = (
    "cacheprovider", "capture", "debugging", "doctest", "faulthandler", "junitxml",
    "legacypath", "logging", "pastebin", "recwarn", "setuponly", "setupplan",
    "stepwise", "subtests", "threadexception", "unittest", "unraisableexception",
    "warnings",
)  # fmt: skip

_FAILED = 70  # sysexits.h: an internal software error


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do: run the checks in `checks_file`, or `only` one of them.

    `program` and `source` are the submission's name and bytes; `scratch` is a folder
    in which it may do anything. There is a runner for each of `zygotes`, given by
    their pids, with a core among `cores` to itself.
    """

    checks_file: str
    only: str | None
    verbose: bool
    program: str
    source: bytes
    limits: Limits
    scratch: str
    zygotes: Sequence[int]
    cores: Sequence[int]


@dataclass(frozen=True, slots=True)
class Runner:
    """A process that takes one ticket after the other, and runs that check.

    `channel` is where its outcomes go, `core` the processor that it and its zygote
    use.
    """

    program: Submission
    channel: int
    core: int

    def pin(self) -> None:
        """Run on one core from now on, with all that this process forks.

        Tracer and tracees take turns: only one of them ever runs, and handing over
        to another core costs more than twice as much.
        """
        with suppress(OSError):
            os.sched_setaffinity(0, {self.core})
            os.sched_setaffinity(self.program.zygote.pid, {self.core})


class Worker:
    """A worker process, which gets ready while its maker does the same.

    A context manager: at its end nothing is left of the worker.
    """

    def __init__(self) -> None:
        self._noise = os.memfd_create("noise", os.MFD_CLOEXEC)
        self._socket, theirs = socket.socketpair()
        self._status: int | None = None
        self.pid = fork()
        if self.pid == 0:
            self._socket.close()
            _serve(theirs, self._noise)
        theirs.close()
        # Here and in the worker: whoever comes first, the group is there.
        with suppress(OSError):
            os.setpgid(self.pid, self.pid)

    def start(
        self,
        job: Job,
        tickets: int,
        channels: Sequence[int],
        zygotes: Sequence[int],
    ) -> None:
        """Give it its job, and copies of these descriptors.

        From `tickets` comes a byte for each check to run: its place in the file. Each
        runner has one of `channels` for its outcomes, and one of `zygotes` to ask
        for processes.
        """
        import pickle

        with suppress(BrokenPipeError, ConnectionResetError):  # `end` says why
            socket.send_fds(self._socket, [b"!"], [tickets, *channels, *zygotes])
            self._socket.sendall(pickle.dumps(job))
            self._socket.shutdown(socket.SHUT_WR)

    def end(self) -> int:
        """End it, if it has not ended; its exit status, negative for a signal."""
        if self._status is None:
            self._socket.close()
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
            self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def noise(self) -> str:
        """The last lines of what it printed."""
        size = os.fstat(self._noise).st_size
        return os.pread(self._noise, 2000, max(0, size - 2000)).decode(errors="replace")

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()
        os.close(self._noise)


def _serve(supervisor: socket.socket, noise: int) -> NoReturn:
    """The worker: get ready, wait for the job, do it."""
    status = _FAILED
    try:
        os.setpgid(0, 0)
        # Where standard streams are closed, ours may have taken their places.
        noise = fcntl.fcntl(noise, fcntl.F_DUPFD_CLOEXEC, 3)
        ours = fcntl.fcntl(supervisor.detach(), fcntl.F_DUPFD_CLOEXEC, 3)
        supervisor = socket.socket(fileno=ours)
        _close_all_but(supervisor.fileno(), noise)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(noise, 1)
        os.dup2(noise, 2)
        sys.stdout = sys.stderr = io.TextIOWrapper(
            io.FileIO(1, "w", closefd=False), write_through=True
        )
        _get_ready()
        _, descriptors, _, _ = socket.recv_fds(supervisor, 1, 16)
        with supervisor.makefile("rb") as stream:
            request = stream.read()
        supervisor.close()
        if request:
            status = _do(request, descriptors)
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
    import pytest_forked  # noqa: F401

    import grader.plugin
    import grader.report.timeline  # noqa: F401


def _get_ready() -> None:
    """Hide, and load what all runners and check processes share."""
    from grader.tracing import ptrace

    ptrace.hide_memory()
    ptrace.end_with_parent()
    load()
    gc.freeze()
    gc.enable()


def _do(request: bytes, descriptors: list[int]) -> int:
    """Run pytest on the exercise's checks; its exit status."""
    import pickle
    import tempfile
    from pathlib import Path

    import pytest
    import pytest_forked

    from grader.checking import Submission
    from grader.plugin import CheckRunner
    from grader.report.timeline import full, timeline
    from grader.tracing.launch import Zygote

    job: Job = pickle.loads(request)
    count = len(job.zygotes)
    tickets, channels, sockets = (
        descriptors[0],
        descriptors[1 : count + 1],
        descriptors[count + 1 :],
    )
    scratch = Path(job.scratch)
    runners = [
        Runner(
            Submission(
                job.program, job.source, scratch, job.limits, Zygote.shared(pid, shared)
            ),
            channel,
            core,
        )
        for pid, shared, channel, core in zip(
            job.zygotes, sockets, channels, job.cores, strict=True
        )
    ]
    # Nothing around the submission or the user's folders configures this run.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    sys.dont_write_bytecode = True
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    os.chdir(scratch)
    tempfile.tempdir = job.scratch
    story = full if job.verbose else timeline
    return int(
        pytest.main(
            [
                job.checks_file,
                "--forked",
                "--noconftest",
                "--assert=plain",
                "--import-mode=importlib",
                f"--rootdir={os.path.dirname(job.checks_file)}",
                f"--config-file={os.devnull}",
                "-q",
                *(f"-pno:{name}" for name in _UNUSED_PLUGINS),
            ],
            plugins=[pytest_forked, CheckRunner(runners, tickets, story, job.only)],
        )
    )
