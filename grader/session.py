"""One submission, one exercise -> `Verdict`.

Theory of operation. This process, the supervisor, starts a zygote and forks a worker.
The worker runs pytest on the exercise's checks; pytest-forked forks one check process
for each. A check process traces the submission, which is forked from the zygote, and
sends its outcome through a pipe that ends here. The submission can reach none of
these: it is another program, traced, and holds no descriptor of theirs.

The supervisor owns the last time limit. Whatever happens below it, a check without a
message of its own that says "passed" has not passed.
"""

from __future__ import annotations

import io
import json
import os
import select
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from grader.catalog import CheckSpec, Exercise
from grader.diagnosis.texts import text
from grader.errors import GraderError, UsageError
from grader.scratch import scratch_folder
from grader.submission import load_problem, printable
from grader.tracing import ptrace
from grader.tracing.errors import TracingError
from grader.tracing.launch import Zygote
from grader.verdict import (
    CheckOutcome,
    CheckResult,
    Finding,
    Verdict,
    check_from_json,
)

if TYPE_CHECKING:
    from grader.checking import Submission

# The longest that all checks of a submission may take, in seconds of real time. Each
# run has a limit of its own; this one is for those that come close to it every time.
_PATIENCE = 300.0


class _TookTooLong(Exception):
    """The checks were not over in time: the submission is too slow to be graded."""


@dataclass(frozen=True, slots=True)
class CheckStarted:
    """A check has begun."""

    id: str
    title: str


Progress = Callable[[CheckStarted | CheckResult], None]


def grade(
    exercise: Exercise,
    submission: Path,
    *,
    only: str | None = None,
    verbose: bool = False,
    progress: Progress | None = None,
) -> Verdict:
    """Grade a submission.

    `only` is one check's id; the verdict then has that check alone. `verbose` keeps
    every event of a failing run, not only its story. `progress` is called as checks
    begin and end.

    Raises `UsageError` where there is no such check. What the grader itself could
    not do is in the verdict: its outcome is then `grader-error`.
    """
    wanted = [check for check in exercise.checks if only in (None, check.id)]
    if not wanted:
        known = ", ".join(check.id for check in exercise.checks)
        raise UsageError(f"{exercise.name} has no check {only!r}; it has {known}")
    problem = load_problem(submission, exercise)
    if problem is not None:
        return _unrunnable(exercise, submission, only, problem)
    results: dict[str, CheckResult] = {}
    titles = {check.id: check.title for check in wanted}
    last_words: dict[str, str] = {}
    error = ""
    try:
        for message in _messages(exercise, submission, only, verbose):
            if "started" in message:
                identity = str(message["started"])
                if progress and identity in titles:
                    progress(CheckStarted(identity, titles[identity]))
                continue
            if "failed" in message:
                last_words[str(message["failed"])] = str(message["report"])
                continue
            result = _trusted(check_from_json(message), wanted, results)
            results[result.id] = result
            if progress:
                progress(result)
    except _TookTooLong:
        for spec in wanted:
            results.setdefault(spec.id, _too_slow(spec))
    except (GraderError, TracingError, OSError, ValueError) as failure:
        error = str(failure)
    checks = tuple(
        results.get(check.id)
        or CheckResult(
            check.id,
            check.title,
            check.points,
            0,
            CheckOutcome.GRADER_ERROR,
            error=error or last_words.get(check.id) or "the check ended without a word",
        )
        for check in wanted
    )
    return Verdict(exercise.name, printable(str(submission)), checks, error=error)


def _too_slow(spec: CheckSpec) -> CheckResult:
    known = text("never-ends")
    finding = Finding(
        known.id,
        f"the program's runs took longer than {_PATIENCE:.0f} seconds together",
        known.why,
        known.read,
    )
    return CheckResult(
        spec.id, spec.title, spec.points, 0, CheckOutcome.FAILED, (finding,)
    )


def _trusted(
    result: CheckResult, wanted: Sequence[CheckSpec], so_far: Container[str]
) -> CheckResult:
    """A check's result with nothing in it that the exercise itself says.

    Raises `GraderError` where it is not the one result that a check sends.
    """
    spec = next((spec for spec in wanted if spec.id == result.id), None)
    if spec is None or result.id in so_far:
        raise GraderError(
            f"a result came for {result.id!r} that no check sent; the submission may "
            "have interfered with the grader"
        )
    earned = spec.points if result.outcome is CheckOutcome.PASSED else 0
    return replace(result, title=spec.title, points=spec.points, earned=earned)


def _unrunnable(
    exercise: Exercise, submission: Path, only: str | None, problem: Finding
) -> Verdict:
    """The verdict on a file that cannot be run: no check was, and each says why."""
    checks = tuple(
        CheckResult(
            check.id, check.title, check.points, 0, CheckOutcome.NOT_RUN, (problem,)
        )
        for check in exercise.checks
        if only in (None, check.id)
    )
    return Verdict(
        exercise.name, printable(str(submission)), checks, findings=(problem,)
    )


def _messages(
    exercise: Exercise, submission: Path, only: str | None, verbose: bool
) -> Iterator[dict[str, object]]:
    """What the check processes send, as it comes."""
    with scratch_folder() as scratch, Zygote() as zygote:
        # Imported while the zygote starts.
        from grader.checking import Submission

        program = Submission(
            exercise.program,
            submission.read_bytes(),
            scratch,
            exercise.limits,
            zygote,
        )
        theirs, ours = os.pipe2(os.O_CLOEXEC)
        with tempfile.TemporaryFile() as noise:
            with warnings.catch_warnings():
                # The worker only goes on in this thread: progress bars stay behind.
                warnings.simplefilter("ignore", DeprecationWarning)
                worker = os.fork()
            if worker == 0:
                os.close(theirs)
                run = partial(
                    _pytest, exercise, program, ours, only=only, verbose=verbose
                )
                _work(run, noise.fileno())
            # Here and in the worker: whoever comes first, the group is there.
            with suppress(OSError):
                os.setpgid(worker, worker)
            os.close(ours)
            try:
                yield from _read(theirs)
            finally:
                os.close(theirs)
                with suppress(ProcessLookupError):
                    os.killpg(worker, signal.SIGKILL)
            status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
            # 0: all passed, 1: some failed. A worker that was still ending when it
            # had nothing more to say was ended by us.
            if status not in (0, 1, -signal.SIGKILL):
                noise.seek(0)
                said = noise.read().decode(errors="replace")[-2000:]
                raise GraderError(f"the checks could not be run:\n{said}")


def _read(channel: int) -> Iterator[dict[str, object]]:
    """Lines of JSON from `channel` until all its writers are gone."""
    deadline = time.monotonic() + _PATIENCE
    buffer = b""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise _TookTooLong
        if not poll.poll(left * 1000):
            continue
        data = os.read(channel, 1 << 16)
        if not data:
            return
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _work(run: Callable[[], int], noise: int) -> None:
    """The worker: `run` with its output in a file. Does not return."""
    status = 70
    try:
        os.setpgid(0, 0)
        ptrace.hide_memory()
        ptrace.end_with_parent()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(noise, 1)
        os.dup2(noise, 2)
        sys.stdout = sys.stderr = io.TextIOWrapper(
            io.FileIO(1, "w", closefd=False), write_through=True
        )
        status = run()
    finally:
        os._exit(status)


def _pytest(
    exercise: Exercise,
    program: Submission,
    channel: int,
    *,
    only: str | None,
    verbose: bool,
) -> int:
    """Pytest on the exercise's checks; its exit status."""
    import pytest
    import pytest_forked

    from grader.plugin import CheckRunner
    from grader.report.timeline import full, timeline

    # Nothing around the submission or the user's folders configures this run.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.chdir(program.directory)
    sys.dont_write_bytecode = True
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    story = full if verbose else timeline
    runner = CheckRunner(program, channel, story, only)
    return int(
        pytest.main(
            [
                str(exercise.checks_file),
                "--forked",
                "--noconftest",
                "--assert=plain",
                "--import-mode=importlib",
                f"--rootdir={exercise.folder}",
                f"--config-file={os.devnull}",
                "-pno:cacheprovider",
                "-pno:faulthandler",
                "-pno:unraisableexception",
                "-pno:threadexception",
                "-pno:warnings",
                "-q",
            ],
            plugins=[pytest_forked, runner],
        )
    )
