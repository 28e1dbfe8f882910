"""One submission, one exercise -> `Verdict`.

Theory of operation. This process, the supervisor, starts zygotes and gives a worker
its job, see `worker`. Outcomes come through sockets that end here. The submission is
another program, traced, and holds no descriptor of theirs. What /proc shows of them is
closed to it, unless it runs as root. There too a socket cannot be opened by name; but
nothing keeps root from the memory of these processes, nor any submission from files of
the user that it runs as.

The supervisor owns the last time limit. Whatever happens below it, a check without a
message of its own that says "passed" has not passed.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from grader.catalog import CheckSpec, Exercise
from grader.cores import cores_for, count
from grader.diagnosis.texts import text
from grader.errors import GraderError, UsageError
from grader.exploring.orders import AS_GRADED, Orders
from grader.submission import load_problem, printable, read
from grader.tracing.errors import TracingError
from grader.tracing.launch import Zygote
from grader.tracing.limits import Limits
from grader.tracing.preloading import first_imports
from grader.tracing.scratch import guarded_by, guarded_folder
from grader.verdict import (
    CheckOutcome,
    CheckResult,
    Finding,
    Verdict,
    check_from_json,
)
from grader.worker import Checks, Job, Worker

# The longest that all checks of a submission may take, in seconds of real time. Each
# run has a limit of its own; this one is for those that come close to it every time.
_PATIENCE = 1800.0


# At most. Each starts once for all checks.
_RUNNERS = 2


@dataclass(frozen=True, slots=True)
class Seat:
    """A zygote, and the core that it and its runner use, if it is to be one."""

    zygote: Zygote
    core: int | None


class _TookTooLong(Exception):
    """The checks were not over in time.

    `runs`: for how many seconds, on each seat, a run had then been going.
    """

    def __init__(self, runs: Sequence[float] = ()) -> None:
        super().__init__()
        self.runs = runs


class _Pace:
    """How long each check has been at work, and for how long of that in its runs."""

    def __init__(self, limits: Limits) -> None:
        self._began: dict[str, float] = {}
        self._seats: dict[str, int] = {}
        self._in_runs: defaultdict[str, float] = defaultdict(float)
        self._longest_run = limits.real_seconds

    def started(self, check: str, seat: int) -> None:
        self._began[check] = time.monotonic()
        self._seats[check] = seat

    def ran(self, check: str, seconds: float) -> None:
        self._in_runs[check] += seconds

    def whose_fault(self, unfinished: Sequence[str], runs: Sequence[float]) -> str:
        """What went wrong in the grader; empty where it was the program.

        It was, where its runs took the time of each check that is at work, with the
        `runs` that are still going on each seat. A check that holds a run for longer
        than one may take hangs itself.
        """
        now = time.monotonic()
        at_work = [check for check in unfinished if check in self._began]
        hanging = []
        for check in at_work:
            going = min(runs[self._seats[check]], self._longest_run)
            if self._in_runs[check] + going < (now - self._began[check]) / 2:
                hanging.append(check)
        if at_work and not hanging:
            return ""
        who = f"the check {', '.join(hanging)}" if hanging else "loading the checks"
        return (
            f"{who} did not come to an end in {_PATIENCE:.0f} seconds, and it was not "
            "the program's runs that took the time: mend it"
        )


@dataclass(frozen=True, slots=True)
class CheckStarted:
    """A check has begun."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class ChecksStarting:
    """The checks load what they need; there is time to do the same."""


Progress = Callable[[ChecksStarting | CheckStarted | CheckResult], None]


def grade(
    exercise: Exercise,
    submission: Path,
    *,
    source: bytes | None = None,
    only: str | None = None,
    orders: Orders = AS_GRADED,
    verbose: bool = False,
    progress: Progress | None = None,
    worker: Worker | None = None,
    seats: Sequence[Seat] = (),
) -> Verdict:
    """Grade a submission.

    `source` is what is in it; without that, it is read, once. `only` is one check's id;
    the verdict then has that check alone. `orders` are the runs that promises of any
    order are held against. `verbose` keeps every event of a failing run,
    not only its story. `progress` is called as checks begin and end. `worker` is one
    that gets ready, or has graded the same exercise before; it is ended where the
    checks do not end. `seats` are where checks run, each with one runner. Both stay the
    caller's.

    Raises `UsageError` where there is no such check, or the one schedule of `orders` is
    none of this program, and `CatalogError` where the exercise's stub is no program.
    What else the grader itself could not do is in the verdict: its outcome is then
    `grader-error`.
    """
    wanted = [check for check in exercise.checks if only in (None, check.id)]
    if not wanted:
        known = ", ".join(check.id for check in exercise.checks)
        raise UsageError(f"{exercise.name} has no check {only!r}; it has {known}")
    data = read(submission) if source is None else source
    if isinstance(data, Finding):
        return _unrunnable(exercise, submission, wanted, data)
    problem = load_problem(submission, data, exercise)
    if problem is not None:
        return _unrunnable(exercise, submission, wanted, problem)
    results: dict[str, CheckResult] = {}
    titles = {check.id: check.title for check in wanted}
    last_words: dict[str, str] = {}
    followed: dict[str, int | None] = {}
    pace = _Pace(exercise.limits)
    error = ""
    try:
        for message in _messages(exercise, data, only, orders, verbose, worker, seats):
            if "starting" in message:
                if progress:
                    progress(ChecksStarting())
                continue
            if "started" in message:
                identity = str(message["started"])
                pace.started(identity, int(str(message["seat"])))
                if progress and identity in titles:
                    progress(CheckStarted(identity, titles[identity]))
                continue
            if "ran" in message:
                pace.ran(str(message["ran"]), float(str(message["seconds"])))
                continue
            if "followed" in message:
                step = message["strayed"]
                followed[str(message["followed"])] = (
                    None if step is None else int(str(step))
                )
                continue
            if "failed" in message:
                last_words[str(message["failed"])] = str(message["report"])
                continue
            result = _trusted(check_from_json(message), wanted, results)
            results[result.id] = result
            if progress:
                progress(result)
    except _TookTooLong as late:
        unfinished = [spec for spec in wanted if spec.id not in results]
        error = pace.whose_fault([spec.id for spec in unfinished], late.runs)
        if not error:
            results |= {spec.id: _too_slow(spec) for spec in unfinished}
    except (GraderError, TracingError, OSError, ValueError) as failure:
        error = str(failure)
    if orders.only is not None and not error:
        _check_followed(orders.only, followed, exercise, only)
    checks = tuple(
        results.get(check.id)
        or _unearned(
            check,
            CheckOutcome.GRADER_ERROR,
            error=error or last_words.get(check.id) or "the check ended without a word",
        )
        for check in wanted
    )
    return Verdict(exercise.name, printable(str(submission)), checks, error=error)


def _check_followed(
    schedule: str, strayed: dict[str, int | None], exercise: Exercise, only: str | None
) -> None:
    """Raises `UsageError` where a schedule is none of the program that was graded."""
    for check, step in strayed.items():
        if step is not None:
            raise UsageError(
                f"{schedule} is no schedule of the check {check}, or one of another "
                f"version of this program: what it chooses at step {step} cannot "
                "be done then; grade without --schedule, and take the code that is told"
            )
    if not strayed:
        which = f"the check {only}" if only else f"no check of {exercise.name}"
        promises = "promises nothing for" if only else "promises anything for"
        raise UsageError(
            f"{which} {promises} any order of events, so no --schedule changes it; "
            "leave it out"
        )


def _too_slow(spec: CheckSpec) -> CheckResult:
    known = text("never-ends")
    finding = Finding(
        known.id,
        f"the program's runs took longer than {_PATIENCE:.0f} seconds together",
        known.why,
        known.read,
    )
    return _unearned(spec, CheckOutcome.FAILED, finding)


def _unearned(
    spec: CheckSpec, outcome: CheckOutcome, *findings: Finding, error: str = ""
) -> CheckResult:
    return CheckResult(
        spec.id, spec.title, spec.points, 0, outcome, findings, error, spec.hidden
    )


def not_graded(exercise: Exercise, submission: str, error: str) -> Verdict:
    """The verdict where the grader could not do its work in any check."""
    checks = tuple(
        _unearned(check, CheckOutcome.GRADER_ERROR) for check in exercise.checks
    )
    return Verdict(exercise.name, submission, checks, error=error)


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
    return replace(
        result,
        title=spec.title,
        points=spec.points,
        earned=earned,
        hidden=spec.hidden,
    )


def _unrunnable(
    exercise: Exercise,
    submission: Path,
    wanted: Sequence[CheckSpec],
    problem: Finding,
) -> Verdict:
    """The verdict on a file that cannot be run: no check was, and each says why."""
    checks = tuple(_unearned(check, CheckOutcome.NOT_RUN, problem) for check in wanted)
    return Verdict(
        exercise.name, printable(str(submission)), checks, findings=(problem,)
    )


def _messages(
    exercise: Exercise,
    source: bytes,
    only: str | None,
    orders: Orders,
    verbose: bool,
    worker: Worker | None,
    seats: Sequence[Seat],
) -> Iterator[dict[str, object]]:
    """What the check processes send, as it comes."""
    places = [
        place
        for place in _outside_in(len(exercise.checks))
        if only in (None, exercise.checks[place].id)
    ]
    with ExitStack() as cleanup:
        worker = worker or cleanup.enter_context(Worker())
        worker.collect(
            Checks([str(file) for file in exercise.checks_files], exercise.diagnoses)
        )
        scratch = cleanup.enter_context(guarded_folder())
        seats = seats or [
            Seat(cleanup.enter_context(Zygote(first_imports(source))), core)
            for core in cores_for(min(_RUNNERS, len(places), count()))
        ]
        # Whatever ends a job early ends its worker, before what that uses goes.
        unfinished = cleanup.enter_context(ExitStack())
        unfinished.callback(worker.end)
        # Not pipes: whoever may look into /proc could open those.
        channels = [socket.socketpair() for _ in seats]
        for end in (end for pair in channels for end in pair):
            cleanup.enter_context(end)
        tickets, our_tickets = socket.socketpair()
        cleanup.enter_context(tickets)
        with our_tickets:
            our_tickets.sendall(bytes(places))
        job = Job(
            checks=[check.id for check in exercise.checks],
            verbose=verbose,
            program=exercise.program,
            source=source,
            limits=exercise.limits,
            loopback=exercise.loopback,
            scratch=str(scratch),
            notes=str(guarded_by(scratch)),
            zygotes=[seat.zygote.pid for seat in seats],
            cores=[seat.core for seat in seats],
            orders=orders,
        )
        sources = [seat.zygote.descriptor for seat in seats]
        worker.start(
            job, tickets.fileno(), [ours.fileno() for _, ours in channels], sources
        )
        for end in (tickets, *(ours for _, ours in channels)):
            end.close()
        yield {"starting": True}
        try:
            for seat, message in _read([theirs.fileno() for theirs, _ in channels]):
                yield {**message, "seat": seat} if "started" in message else message
        except _TookTooLong:
            # Before they are ended.
            raise _TookTooLong([seat.zygote.busy_for() for seat in seats]) from None
        worker.finish()
        unfinished.pop_all()


def _outside_in(count: int) -> list[int]:
    """The last, the first, the last but one ...: the longest of them, so far as known.

    The first checks try many cases, the last ones hard ones; what takes long should
    begin early, so that no runner waits for the other at the end.
    """
    ends = zip(reversed(range(count)), range(count), strict=True)
    order = [place for pair in ends for place in pair]
    return order[:count]


def _read(channels: Sequence[int]) -> Iterator[tuple[int, dict[str, object]]]:
    """Lines of JSON from `channels` until all their writers are gone.

    Each with the place of its channel among them.
    """
    deadline = time.monotonic() + _PATIENCE
    unfinished = dict.fromkeys(channels, b"")
    poll = select.poll()
    for channel in channels:
        poll.register(channel, select.POLLIN)
    while unfinished:
        left = deadline - time.monotonic()
        if left <= 0:
            raise _TookTooLong
        for channel, _ in poll.poll(left * 1000):
            data = os.read(channel, 1 << 16)
            if not data:
                poll.unregister(channel)
                del unfinished[channel]
                continue
            *lines, rest = (unfinished[channel] + data).split(b"\n")
            unfinished[channel] = rest
            for line in lines:
                yield channels.index(channel), json.loads(line)
