"""What a check is written with: points, a submission to run, assertions about runs.

    @points(2)
    def test_parent_collects_its_child(program):
        '''The parent waits for its child, in any order of events.'''
        for run in program.under(take_turns, child_first, hold_children):
            assert_that(run).leaves_no_orphan().leaves_no_zombie()

A check's first docstring line is its title, its name without ``test_`` its id.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

from grader.diagnosis import handlers, output, pipes, processes, waiting
from grader.diagnosis.causes import causes
from grader.diagnosis.finding import found, name
from grader.sameness import described
from grader.scratch import scratch_folder
from grader.shelf import Shelf
from grader.tracing.launch import Zygote
from grader.tracing.limits import Limits
from grader.tracing.program import Program, trace
from grader.tracing.recording import Process, Recording
from grader.tracing.schedule import Schedule, take_turns
from grader.verdict import Finding

Check = TypeVar("Check", bound=Callable[..., None])

SIGTERM = 15


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

    `name` and `source` are its file's name and bytes. Each run has a folder of its
    own in `directory`, with nothing but that file in it.

    `harmed` are the runs at whose end the file was not there as it was handed in:
    what such a run shows may be the doing of another submission. `ran` is told how
    long each run took, in seconds of real time.

    `retold` is a run that a check failed in, as `made` knows it by its recording's
    `id`: where the check is called again, that run is made again, with the lines of the
    program. To have them from each run would make all of them a quarter longer.
    """

    name: str
    source: bytes
    directory: Path
    limits: Limits
    zygote: Zygote
    shelf: Shelf
    ran: Callable[[float], None]
    harmed: list[str] = field(default_factory=list)
    made: dict[int, str] = field(default_factory=dict)
    retold: str | None = None

    def telling(self, run: Recording) -> Submission:
        """The same program, for a check that failed in `run` and is called again."""
        return replace(self, harmed=[], made={}, retold=self.made.get(id(run), ""))

    @contextmanager
    def start(
        self, *arguments: object, schedule: Schedule = take_turns, **options: Any
    ) -> Iterator[Program]:
        """Start it and hold it; the options are those of `grader.tracing.trace`."""
        options.setdefault("lines", self.retold is not None)
        with scratch_folder(self.directory) as folder:
            file = folder / self.name
            file.write_bytes(self.source)
            began = time.monotonic()
            try:
                with trace(
                    [str(file), *map(str, arguments)],
                    schedule=schedule,
                    limits=self.limits,
                    directory=folder,
                    zygote=self.zygote,
                    **options,
                ) as program:
                    yield program
            finally:
                self.ran(time.monotonic() - began)
                if not _holds(file, self.source):
                    self.harmed.append(" ".join(map(str, arguments)))

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
        fresh: bool = False,
    ) -> Recording:
        """Run it until it rests, then once more after each signal, then SIGTERM.

        Or look at the same run of any check before, unless it is to be a `fresh` one.
        """

        def record() -> Recording:
            with self.start(*arguments, schedule=schedule) as program:
                program.until_rest()
                for number in signals:
                    program.send(number)
                    program.until_rest()
                program.send(SIGTERM)
                return program.finish()

        what = "terminated", [*map(str, arguments)], schedule, [*signals]
        return self._recording(what, record, fresh=fresh)

    def _recording(
        self, what: object, record: Callable[[], Recording], *, fresh: bool
    ) -> Recording:
        """A run, if need be: `what` are all things that it depends on."""
        try:
            known_by = described(what)
        except ValueError:
            fresh = True  # nothing tells it from a run of another kind
        if fresh or repr(known_by) == self.retold:
            return record()
        known = self.shelf.find(known_by)
        if known is None:
            harmed = len(self.harmed)
            known = record()
            if len(self.harmed) == harmed:
                self.shelf.put(known_by, known)
        self.made[id(known)] = repr(known_by)
        return known


def _holds(file: Path, content: bytes) -> bool:
    """Whether that is in a file, whatever became of it: it may be a FIFO by now."""
    try:
        # Opened without waiting.
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
            return opened.read(len(content) + 1) == content
    except OSError:
        return False


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
        roots = causes(self.run, expected_signals=self._expected_signals)
        if any(root.id in _FINAL for root in roots):
            # What else is missing follows from this, but for what led to it.
            findings = [finding for finding in findings if finding.id in _ROOTS]
        elif any(root.id == "uncaught-exception" for root in roots):
            findings = [f for f in findings if f.id not in _CONSEQUENCES]
        known = {root.id for root in roots}
        more = [finding for finding in findings if finding.id not in known]
        raise CheckFailed([*roots, *more], self.run)

    def holds(self, findings: Sequence[Finding]) -> Assertion:
        """Assert that a detector found nothing."""
        return self._holds(findings)

    def holds_alone(self, findings: Sequence[Finding]) -> Assertion:
        """Assert that a detector found nothing; what it found is the only cause."""
        if findings:
            raise CheckFailed(findings, self.run)
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
        roots = causes(self.run, expected_signals=self._expected_signals)
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
        got = [
            line
            for line in output.lines(self.run.root)
            if any(line.startswith(start) for start in among)
        ]
        wrong = output.sequence(self.run, lines, got)
        return self._holds([*output.foreign(self.run, among), *wrong])

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

    def rests(self) -> Assertion:
        """Nobody used the processor while there was nothing to do."""
        return self._holds(waiting.busy_wait(self.run))


# Causes after which nothing else can be said about a run.
_FINAL = frozenset(
    {
        "deadlock",
        "never-ends",
        "too-many-processes",
        "too-much-output",
        "too-much-memory",
    }
)

# What a process that died of an exception did not come to do.
_CONSEQUENCES = frozenset({"no-child", "ended-early", "output-missing"})

# What may have led to them, and is told beside them.
_ROOTS = frozenset({"write-end-open", "read-end-open", "orphan-left", "extra-children"})


def assert_that(
    run: Recording, *, expected_signals: tuple[int, ...] = (SIGTERM,)
) -> Assertion:
    """Begin to assert facts of a run.

    `expected_signals` are those whose killing a process is no fault.
    """
    return Assertion(run, expected_signals)


__all__ = [
    "Assertion",
    "CheckFailed",
    "Submission",
    "across",
    "assert_that",
    "found",
    "name",
    "points",
]
