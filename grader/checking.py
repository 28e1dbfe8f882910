"""What a check is written with: points, a submission to run, assertions about runs.

    @points(2)
    def test_parent_collects_its_child(program):
        '''The parent waits for its child, in any order of events.'''
        program.in_any_order(
            lambda run: assert_that(run).leaves_no_orphan().leaves_no_zombie()
        )

A check's first docstring line is its title, its name without ``test_`` its id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from signal import SIGTERM
from typing import Any, TypeVar, cast
from zlib import crc32

from grader.diagnosis import handlers, limits, output, pipes, processes, waiting
from grader.diagnosis.causes import causes
from grader.diagnosis.finding import found, name
from grader.diagnosis.judged import judged
from grader.exploring.choices import Pilot, decode
from grader.exploring.orders import AS_GRADED, Orders
from grader.exploring.promise import LONGEST_SEARCHED, breaking
from grader.exploring.search import Fly, Ran, flown
from grader.sameness import described
from grader.shelf import Shelf
from grader.stage import Stage
from grader.tracing.launch import Zygote
from grader.tracing.limits import Limits
from grader.tracing.program import Program, trace
from grader.tracing.recording import Limit, Process, Recording
from grader.tracing.schedule import SCHEDULES, Schedule, take_turns
from grader.tracing.spinning import Spun
from grader.verdict import Finding

# What a run may last, in seconds, where its check has had all its time.
_LEAST_LEFT = 0.01

Check = TypeVar("Check", bound=Callable[..., None])
Kept = TypeVar("Kept", Recording, Ran)


def points(number: int) -> Callable[[Check], Check]:
    """Say how many points a check gives."""

    def mark(check: Check) -> Check:
        check.points = number  # type: ignore[attr-defined]  # read back by the plugin
        return check

    return mark


class CheckFailed(AssertionError):
    """A check found something wrong: `findings` say what, in `run`."""

    def __init__(self, findings: Sequence[Finding], run: Recording) -> None:
        super().__init__("; ".join(f"{f.id}: {f.message}" for f in findings))
        self.findings = tuple(findings)
        self.run = run


@dataclass(frozen=True, slots=True)
class Submission:
    """The student's program, as the ``program`` fixture gives it to a check.

    `name` and `source` are its file's name and bytes, `code` what they are compiled
    to, once for all runs. On `stage` it runs.

    `harmed` are the runs at whose end the file was not there as it was handed in:
    what such a run shows may be the doing of another submission. `ran` is told how
    long each run took, in seconds of real time; `spent` has it too: all runs of a check
    together last no longer than `limits` say. `orders` are the runs that a promise of
    any order is held against; where that is one by its code, `strayed` has the step at
    which each such run could not follow it, None for one that did; `looked` are those
    that did.

    `retold` is a run that a check failed in, as `made` knows it by the `id` of its
    first process, which is the same once it is `judged`: where the check is called
    again, that run is made again, with the lines of the program. To have them from each
    run would make all a fifth to a third longer.
    """

    name: str
    source: bytes
    code: bytes
    stage: Stage
    limits: Limits
    loopback: bool
    zygote: Zygote
    shelf: Shelf
    ran: Callable[[float], None]
    orders: Orders = AS_GRADED
    harmed: list[str] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)
    strayed: list[int | None] = field(default_factory=list)
    looked: list[Recording] = field(default_factory=list)
    made: dict[int, str] = field(default_factory=dict)
    retold: str | None = None

    def telling(self, run: Recording) -> Submission:
        """The same program, for a check that failed in `run` and is called again."""
        retold = self.made.get(id(run.root), "")
        return replace(self.anew(), retold=retold, spent=self.spent)

    def anew(self) -> Submission:
        """The same program, of whose runs nothing is noted."""
        return replace(self, harmed=[], spent=[], strayed=[], looked=[], made={})

    @contextmanager
    def start(
        self,
        *arguments: object,
        schedule: Schedule = take_turns,
        larger: int = 1,
        **options: Any,
    ) -> Iterator[Program]:
        """Start it and hold it; the options are those of `grader.tracing.trace`.

        `larger`: it may do, and print, so many times as much as other runs may.
        """
        spun = self._spun(arguments, options)
        options.setdefault("lines", self.retold is not None)
        with self._timed(), self.stage.set_up() as file:
            try:
                with trace(
                    [str(file), *map(str, arguments)],
                    schedule=schedule,
                    limits=self._allowed(larger),
                    loopback=self.loopback,
                    directory=file.parent,
                    zygote=self.zygote,
                    spun=spun,
                    code=self.code,
                    **options,
                ) as program:
                    yield program
            finally:
                if self.stage.is_harmed(file):
                    self.harmed.append(" ".join(map(str, arguments)))

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """A run, with all that is made for it and removed after it."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.spent.append(time.monotonic() - began)
            self.ran(self.spent[-1])

    def _allowed(self, larger: int) -> Limits:
        """What the next run may use, one that is so many times as large."""
        return replace(
            self.limits,
            events=larger * self.limits.events,
            output_bytes=larger * self.limits.output_bytes,
            real_seconds=self._left,
        )

    @property
    def _left(self) -> float:
        """How long the next run of this check may last, in seconds of real time."""
        return max(self.limits.real_seconds - sum(self.spent), _LEAST_LEFT)

    def _is_cut_short(self, run: Recording) -> bool:
        """Whether it was ended by what was left to this check, and no other."""
        excess = run.excess
        return (
            excess is not None
            and excess.limit is Limit.REAL_TIME
            and excess.allowed < self.limits.real_seconds
        )

    def _spun(self, *started: object) -> Spun | None:
        """What other runs have shown of it that were `started` so, if that can be told.

        Under another schedule, too: what that did is in what happened since.
        """
        try:
            return self.shelf.spun(described(started))
        except ValueError:
            return None

    def some(self, low: int, high: int) -> int:
        """A number from `low` to `high` that nobody knows before.

        The same for the same program, so that its verdict is always the same.
        """
        return low + crc32(self.source) % (high - low + 1)

    def run(
        self,
        *arguments: object,
        schedule: Schedule = take_turns,
        fresh: bool = False,
        **options: Any,
    ) -> Recording:
        """Run it to its end, or look at the same run of any check before.

        `fresh`: run it, whatever was run before.
        """

        def record() -> Recording:
            with self.start(*arguments, schedule=schedule, **options) as program:
                return program.finish()

        what = "run", [*map(str, arguments)], schedule, options
        return self._recording(what, record, fresh=fresh)

    def under(
        self, *schedules: Schedule, arguments: Sequence[object] = (), **options: Any
    ) -> Iterator[Recording]:
        """Run it under one schedule after the other; the options are those of `run`."""
        for schedule in schedules:
            yield self.run(*arguments, schedule=schedule, **options)

    def until_terminated(
        self,
        *arguments: object,
        signals: Sequence[int] = (),
        schedule: Schedule = take_turns,
        later: float = 0.0,
        fresh: bool = False,
    ) -> Recording:
        """Run it until it rests, then once more after each signal, then SIGTERM.

        What it would do by itself within `later` virtual seconds, it does first.
        Nobody waits for who sleeps on after SIGTERM, however long. Or look at the same
        run of any check before, unless it is to be a `fresh` one.
        """

        def record() -> Recording:
            with self.start(*arguments, schedule=schedule) as program:
                program.until_rest()
                for number in signals:
                    program.send(number)
                    program.until_rest()
                if later:
                    program.live_on(later)
                program.send(SIGTERM)
                return program.finish(may_sleep_on=True)

        what = "terminated", [*map(str, arguments)], schedule, [*signals], later
        return self._recording(what, record, fresh=fresh)

    def in_any_order(
        self,
        holds: Callable[[Recording], object],
        *schedules: Schedule,
        arguments: Sequence[object] = (),
        until_terminated: bool = False,
        **options: Any,
    ) -> None:
        """See that something holds of every run, whatever the order of events.

        `holds` raises `CheckFailed` where it does not. First it judges the runs under
        `schedules`: they cost little, and what they find needs no search. Then other
        orders are searched for one that breaks it, in a number of runs that is always
        the same; what fails is a run with as few preemptions as lead to the same
        diagnosis. Its `schedule` is a code that brings it about again.

        A run is one of `run`, or of `until_terminated`, with these options.
        """

        def under(schedule: Schedule, *, fresh: bool = False) -> Recording:
            run = self.until_terminated if until_terminated else self.run
            return run(*arguments, schedule=schedule, fresh=fresh, **options)

        what = until_terminated, [*map(str, arguments)], options
        fly = self._searching(what, lambda schedule: under(schedule, fresh=True))
        if self.orders.only is not None:
            self._look_at(self.orders.only, under, fly, holds)
            return
        longest = 0

        def seen(run: Recording) -> None:
            nonlocal longest
            longest = max(longest, len(run.events))
            holds(run)

        if self.orders.named:
            across(map(under, schedules), seen)
        if longest > LONGEST_SEARCHED:
            return
        broken = breaking(fly, lambda run: _told(holds, run), runs=self.orders.runs)
        if broken is not None:
            holds(broken)

    def _searching(self, what: object, run: Callable[[Schedule], Recording]) -> Fly:
        """Makes the runs of a search, each once for all checks that search the same."""
        fly = flown(run)
        return lambda pilot: self._kept(
            ("searched", what, pilot.name),
            lambda: fly(pilot),
            lambda ran: ran.recording,
        )

    def _look_at(
        self,
        only: str,
        under: Callable[[Schedule], Recording],
        fly: Fly,
        holds: Callable[[Recording], object],
    ) -> None:
        """Judge the run under one schedule, where it is one of this program."""
        if only in SCHEDULES:
            self.strayed.append(None)
            self.looked.append(under(SCHEDULES[only]))
            holds(self.looked[-1])
            return
        ran = fly(Pilot(decode(only)))
        self.strayed.append(ran.strayed)
        if ran.strayed is None:
            self.looked.append(ran.recording)
            holds(ran.recording)

    def _recording(
        self, what: object, record: Callable[[], Recording], *, fresh: bool
    ) -> Recording:
        """A run, if need be: `what` are all things that it depends on."""
        return record() if fresh else self._kept(what, record, lambda run: run)

    def _kept(
        self,
        what: object,
        make: Callable[[], Kept],
        recording: Callable[[Kept], Recording],
    ) -> Kept:
        """What some check has made before, or is made now and kept for the others."""
        try:
            known_by = described(what)
        except ValueError:
            return make()  # nothing tells it from a run of another kind
        if repr(known_by) == self.retold:
            known_by = "with lines", known_by
        with self.shelf.making(known_by) as waited:
            self.ran(waited)  # for a run, though another check made it
            found = self.shelf.find(known_by)
            if found is None:
                harmed = len(self.harmed)
                kept = make()
                run = recording(kept)
                if len(self.harmed) == harmed and not self._is_cut_short(run):
                    self.shelf.put(known_by, kept)
            else:
                kept = cast(Kept, found)
        self.made[id(recording(kept).root)] = repr(known_by)
        return kept


def _told(holds: Callable[[Recording], object], run: Recording) -> str | None:
    """The diagnosis that a check has of a run before all others."""
    try:
        holds(run)
    except CheckFailed as failure:
        return failure.findings[0].id
    return None


def across(runs: Iterable[Recording], check: Callable[[Recording], object]) -> None:
    """Check every run, and fail with each different thing that was found in any.

    For faults that show in one order of events as this and in another as that.
    """
    failures: list[CheckFailed] = []
    for run in runs:
        try:
            check(run)
        except CheckFailed as failure:
            failures.append(failure)
    if failures:
        findings: dict[str, Finding] = {}
        for finding in (f for failure in failures for f in failure.findings):
            findings.setdefault(finding.id, finding)
        raise CheckFailed([*findings.values()], failures[0].run)


class Assertion:
    """Facts asserted of one run. Each method raises `CheckFailed` or returns self.

    A run that went wrong as a whole, of an exception or a deadlock, say, fails any
    assertion that does not hold with that cause first.
    """

    def __init__(self, run: Recording, expected_signals: tuple[int, ...]) -> None:
        self.run = run
        self._expected_signals = expected_signals

    def _holds(self, findings: Sequence[Finding]) -> Assertion:
        if not findings:
            return self
        roots = self._causes()
        if any(root.id in _FINAL for root in roots):
            # What else is missing follows from this, but for what led to it.
            findings = [finding for finding in findings if finding.id in _ROOTS]
        elif any(root.id == "uncaught-exception" for root in roots):
            findings = [f for f in findings if f.id not in _CONSEQUENCES]
        printed = [finding for finding in findings if finding.id == "child-escaped"]
        if printed:
            # What a child printed shows more of where it ran on than what it died of.
            roots = [printed[0] if root.id == printed[0].id else root for root in roots]
        known = {root.id for root in roots}
        more = [finding for finding in findings if finding.id not in known]
        raise CheckFailed([*roots, *more], self.run)

    def _causes(self) -> list[Finding]:
        return causes(self.run, expected_signals=self._expected_signals)

    def holds(self, findings: Sequence[Finding]) -> Assertion:
        """Assert that a detector found nothing."""
        return self._holds(findings)

    def holds_alone(self, findings: Sequence[Finding]) -> Assertion:
        """Assert that a detector found nothing; what it found is the only cause.

        It is not where a call was refused: that may have led to it.
        """
        if findings:
            raise CheckFailed([*limits.refusals(self.run), *findings], self.run)
        return self

    def is_(self, fact: bool, diagnosis: str, message: str) -> Assertion:
        """Assert any fact; `diagnosis` and `message` say what its absence means."""
        return self._holds([] if fact else [found(diagnosis, message, self.run)])

    # processes

    def forks(self, count: int) -> Assertion:
        """The first process forks `count` children, and nobody else forks."""
        return self._holds(processes.child_count(self.run, count))

    def has_child(self) -> Assertion:
        """The first process forked at all."""
        if self.run.root.children:
            return self
        return self._holds(processes.child_count(self.run, 1))

    def leaves_no_zombie(self) -> Assertion:
        """Every child's status was collected by its parent."""
        return self._holds(processes.zombies(self.run))

    def collects_its_children(self) -> Assertion:
        """The first process had the status of each of its children."""
        return self._holds(processes.uncollected(self.run))

    def leaves_no_orphan(self) -> Assertion:
        """No process outlived its parent."""
        return self._holds(processes.orphans(self.run))

    def ends_well(self) -> Assertion:
        """No limit, no exception, no signal, no deadlock: everybody ended."""
        roots = self._causes()
        if roots:
            raise CheckFailed(roots, self.run)
        return self

    def exits(self, codes: dict[int, int]) -> Assertion:
        """The processes, by pid, ended with these exit codes."""
        return self._holds(processes.exit_codes(self.run, codes))

    # output

    def prints(self, lines: list[str], among: Sequence[str]) -> Assertion:
        """The first process, and it alone, printed these lines in this order.

        `among` are beginnings of lines; others are the student's own business.
        """
        return self._holds(output.differs(self.run, lines, among))

    # pipes

    def closes_unused_ends(self, pipe: int, writer: Process) -> Assertion:
        """The reader, the first process, and the writer each close the other's end."""
        kept = pipes.write_end_kept(self.run, self.run.root, pipe)
        return self._holds([*kept, *pipes.read_end_kept(self.run, writer, pipe)])

    # signals

    def handles(self, signal: int) -> Assertion:
        """The first process installed a handler at all."""
        return self._holds(handlers.missing(self.run, signal))

    def handles_in_time(self, signal: int) -> Assertion:
        """The first process installed a handler, before its first fork."""
        return self.handles(signal)._holds(handlers.late(self.run, signal))

    def never_blocks_in_handler(self) -> Assertion:
        """The handler did not wait for a child that still lived."""
        return self._holds(handlers.blocks(self.run))

    def collects_in_handler(self) -> Assertion:
        """Children were collected because of SIGCHLD, not by waiting or looking."""
        return self._holds(handlers.idle(self.run))

    def rests(self) -> Assertion:
        """It came to a rest, and nobody used the processor there."""
        return self._holds(limits.exceeded(self.run) or waiting.busy_wait(self.run))


# Causes after which nothing else can be said about a run.
_FINAL = frozenset(
    {
        "deadlock",
        "never-ends",
        "too-many-processes",
        "too-much-output",
        "too-many-threads",
        "too-much-memory",
        "too-many-descriptors",
        "too-many-files",
        "too-much-written",
    }
)

# What a process that died of an exception did not come to do.
_CONSEQUENCES = frozenset({"no-child", "ended-early", "output-missing"})

# What may have led to them, and is told beside them.
_ROOTS = frozenset({"write-end-open", "read-end-open", "orphan-left", "extra-children"})


def assert_that(
    run: Recording,
    *,
    expected_signals: tuple[int, ...] = (SIGTERM,),
    beside: Iterable[Process] = (),
) -> Assertion:
    """Begin to assert facts of a run.

    `expected_signals` are those whose killing a process is no fault. What is asserted
    of children is not asserted of the processes `beside` them, the program's helpers,
    nor of those of a run that is `judged` so.
    """
    return Assertion(judged(run, beside=beside), expected_signals)


__all__ = [
    "Assertion",
    "CheckFailed",
    "Submission",
    "across",
    "assert_that",
    "found",
    "judged",
    "name",
    "points",
]
