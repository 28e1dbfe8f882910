"""The pytest plugin that runs an exercise's checks, in forked processes.

A check that can leave nothing behind, see `purity`, runs in its runner's process, and
any other in a process of its own. Where a check takes its runner with it, another
runner goes on with the rest, each of them in a process of its own.

A check's outcome does not come from pytest's report but from the check's process
itself, as one JSON line on a socket that only the grader's processes hold: a check
that sends none did not pass, whatever pytest says of it.
"""

from __future__ import annotations

import gc
import json
import os
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from mmap import mmap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grader import mistake
from grader.checking import CheckFailed, Submission
from grader.picture.kept import picture_of
from grader.purity import leaves_nothing_behind
from grader.report.story import steps
from grader.report.timeline import full, timeline
from grader.tracing import ptrace
from grader.tracing.errors import TracingError
from grader.tracing.recording import Recording
from grader.tracing.shared import note_in
from grader.verdict import CheckOutcome, CheckResult, Finding, check_json
from grader.worker import Desk, Order, Runner

# Seconds of runs.
_WORTH_TELLING = 1.0

# Events of a run that is made again, to tell its lines.
_MOST_RETOLD = 2000

# After how many new objects a runner looks for garbage: a recording is kept and
# has thousands, and nothing of a runner outlives its job.
_SELDOM = 20_000

_HARMED = (
    "while the program ran, its file was changed or removed: by itself, or by another "
    "program that runs with the same rights, such as a submission graded beside it"
)


def check_id(function_name: str) -> str:
    """A check's stable id: its function's name without ``test_``."""
    return function_name.removeprefix("test_").replace("_", "-")


def check_title(function: Any) -> str:
    """A check's title: the first line of its docstring."""
    text: str = function.__doc__ or function.__name__
    return text.strip().splitlines()[0].rstrip(".")


class CheckRunner:
    """Runs the collected checks on one submission after the other.

    In the worker it is nobody's; in each process that is forked from there it is one
    runner's.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._runner: Runner
        self._turn: _Turn
        self._program: Submission
        self._pure: set[ModuleType] = set()
        self._uncollected = ""
        self._judging = False
        self._apart = False  # whether each check has a process of its own
        self._check = ""  # the one whose process this is, or is forked from here
        self._untold = 0.0  # seconds that its runs took, and that nobody knows of
        self._story: Callable[[Recording], tuple[str, ...]] = timeline

    @pytest.fixture
    def program(self) -> Submission:
        """The student's program."""
        return self._program

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do all jobs, each in runners of its own."""
        functions = [
            item for item in session.items if isinstance(item, pytest.Function)
        ]
        self._uncollected = self._uncollected or _run_often(functions)
        if session.testsfailed or self._uncollected:
            self._refuse_all()
            return True
        items = {check_id(item.originalname): item for item in functions}
        for item in items.values():
            # Worked out at the first look: here, not in every check process.
            _ = item.location, item.ihook
        modules = {item.module for item in items.values()}
        self._pure = {module for module in modules if leaves_nothing_behind(module)}
        gc.freeze()  # a collection in a runner would copy every page it looks at
        while order := self._desk.next():
            places = range(len(order.job.zygotes))
            runs = [_Turn(place) for place in places]
            for run in runs:
                run.pid = self._fork(items, order, run)
            good = [self._see_to_its_end(items, order, run) for run in runs]
            order.close()
            self._desk.finished(None if all(good) else "")
        return True

    def _see_to_its_end(
        self, items: Mapping[str, pytest.Function], order: Order, turn: _Turn
    ) -> bool:
        """Wait for a runner, and replace it once where a check has ended it.

        Whether all went well but for that.
        """
        _, status = os.waitpid(turn.pid, 0)
        if turn.check is None:
            return not status
        turn.ended_with = os.waitstatus_to_exitcode(status)
        return not os.waitpid(self._fork(items, order, turn), 0)[1]

    def _refuse_all(self) -> None:
        """Say of each job what was wrong with the checks."""
        while order := self._desk.next():
            order.close()
            self._desk.finished(self._uncollected)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Keep what was wrong with the first file that could not be loaded."""
        report = yield
        if report.failed and not self._uncollected:
            self._uncollected = mistake.of_file(collector.path, report.longreprtext)
        return report

    def _fork(
        self, items: Mapping[str, pytest.Function], order: Order, turn: _Turn
    ) -> int:
        """Fork a runner for a job; its pid."""
        pid = os.fork()
        if pid == 0:
            with _process_of_its_own():
                gc.enable()
                gc.set_threshold(_SELDOM)
                self._become(order, turn)
                self._run_checks([items.get(check) for check in order.job.checks])
        return pid

    def _become(self, order: Order, turn: _Turn) -> None:
        """Be one of a job's runners from now on, and hold no other's channel."""
        job = order.job
        self._turn = turn
        self._runner = order.runner(turn.place, self._ran)
        self._story = full if job.verbose else timeline
        self._tickets = order.tickets
        for channel in order.channels:
            if channel != self._runner.channel:
                os.close(channel)
        os.chdir(job.scratch)
        tempfile.tempdir = job.scratch
        note_in(Path(job.notes))
        self._runner.pin()

    def _run_checks(self, checks: Sequence[pytest.Function | None]) -> None:
        """Run whichever check is next, until the runners have run them all."""
        if self._turn.check is not None and (item := checks[self._turn.check]):
            self._apart = True
            self._say_how_it_ended(item, self._turn.ended_with)
        while ticket := os.read(self._tickets, 1):
            item = checks[ticket[0]]
            if item is not None:
                self._run_check(item, ticket[0])

    def _run_check(self, item: pytest.Function, place: int) -> None:
        """Run a check, as pytest does."""
        identity = check_id(item.originalname)
        self._send({"started": identity})
        self._check, self._untold = identity, 0.0
        self._program = self._runner.program.anew()
        if not self._apart and _is_plain(item) and item.module in self._pure:
            self._turn.check = place
            self._judge(item)
            self._turn.check = None
        elif _is_plain(item):
            self._in_its_own_process(item)
        else:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Run a check in a process of its own, and wait until that has ended.

        What a fork touches is copied, page by page, so as little as can be is done
        there: the check itself, and not what pytest does before and after it.
        """
        if self._judging:
            return None  # pytest calls it
        self._in_its_own_process(pyfuncitem)
        return True

    def _in_its_own_process(self, item: pytest.Function) -> None:
        pid = os.fork()
        if pid == 0:
            with _process_of_its_own():
                self._judging = True
                self._judge(item)
        _, status = os.waitpid(pid, 0)
        if status:
            self._say_how_it_ended(item, os.waitstatus_to_exitcode(status))

    def _say_how_it_ended(self, item: pytest.Function, code: int) -> None:
        """Say that a check has ended the process that it ran in."""
        self._say_why(
            check_id(item.originalname), f"the check's process ended with status {code}"
        )

    def _ran(self, seconds: float) -> None:
        """Say how long the check's runs took, where it may come to matter."""
        self._untold += seconds
        if self._untold >= _WORTH_TELLING:
            self._send({"ran": self._check, "seconds": self._untold})
            self._untold = 0.0

    def _judge(self, item: pytest.Function) -> None:
        """Have a check's function called, and send what came of it."""
        check: Any = item.function
        result = CheckResult(
            id=check_id(item.originalname),
            title=check_title(check),
            points=check.points,
            earned=0,
            outcome=CheckOutcome.GRADER_ERROR,
        )
        try:
            try:
                _call(item, self._program)
            finally:
                self._say_whether_followed(result.id)
        except CheckFailed as first:
            findings = self._told(item, first)
            failed = replace(result, outcome=CheckOutcome.FAILED, findings=findings)
            if self._program.harmed:
                failed = replace(result, error=_HARMED)  # it may be nobody's fault here
            self._send(check_json(failed))
        except TracingError as error:  # it says all that there is to say
            self._send(check_json(replace(result, error=str(error))))
        except BaseException as error:
            lines = traceback.format_exception(error)
            said = mistake.of_check(error, item.path) or "".join(lines[-3:])
            self._send(check_json(replace(result, error=said)))
        else:
            passed = replace(
                result,
                outcome=CheckOutcome.PASSED,
                earned=check.points,
                timeline=self._looked_at(item),
            )
            self._send(check_json(passed))

    def _looked_at(self, item: pytest.Function) -> tuple[str, ...]:
        """What the processes did under the one schedule that was asked for."""
        looked = self._program.looked
        if not looked:
            return ()
        again = self._program.telling(looked[-1])
        with suppress(Exception):  # it is told without lines then
            _call(item, again)
        return self._story((again.looked or looked)[-1])

    def _told(self, item: pytest.Function, failure: CheckFailed) -> tuple[Finding, ...]:
        """What was found, with its story: how that is told is never to change it."""
        try:
            return self._with_story(self._with_lines(item, failure))
        except Exception:
            traceback.print_exc()
            return failure.findings

    def _with_story(self, failure: CheckFailed) -> tuple[Finding, ...]:
        """The first finding tells and shows the run; the others are of the same one."""
        first, *others = failure.findings
        run = failure.run
        source = self._program.source.decode(errors="replace").split("\n")
        first = replace(
            first,
            timeline=self._story(run),
            steps=steps(run, failure.findings, source),
            picture=picture_of(run, failure.findings, whole=self._story is full),
        )
        return (first, *others)

    def _with_lines(self, item: pytest.Function, failure: CheckFailed) -> CheckFailed:
        """The same failure in a run that tells the lines of the program, if it can."""
        run = failure.run
        if run.exceeded is not None or len(run.events) > _MOST_RETOLD:
            return failure  # what took long once would take as long again
        try:
            _call(item, self._program.telling(run))
        except CheckFailed as again:
            if _ids(again) == _ids(failure):
                return again
        except BaseException:
            return failure  # the program is not to be relied on to do the same again
        return failure

    def _say_whether_followed(self, identity: str) -> None:
        """Say whether the one schedule that is asked for is one of this program."""
        strayed = self._program.strayed
        if strayed:
            step = None if None in strayed else strayed[0]
            self._send({"followed": identity, "strayed": step})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say what pytest saw, for a check that came to no outcome of its own."""
        if report.failed:
            name = report.nodeid.rpartition("::")[2]
            said = mistake.of_arguments(report.longreprtext)
            self._say_why(check_id(name), said or report.longreprtext[-1500:])

    def _say_why(self, identity: str, report: str) -> None:
        self._send({"failed": identity, "report": report})

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._runner.channel, data) :]


def _run_often(items: Sequence[pytest.Function]) -> str:
    """What is wrong where a check is not one test; empty where each is."""
    times = Counter((item.path, item.originalname) for item in items)
    for (path, name), number in times.items():
        if number > 1:
            return (
                f"a mistake in {path}: pytest would run {name} {number} times, and a "
                "check counts once; leave out what parametrizes it, a mark or a fixture"
            )
    return ""


def _call(item: pytest.Function, program: Submission) -> None:
    """Call a check with a program."""
    if _is_plain(item):
        item.function(program)
    else:
        item.funcargs["program"] = program
        item.runtest()


def _is_plain(item: pytest.Function) -> bool:
    """Whether pytest would do no more for a check than to call it with the program.

    To call it is a third of what pytest does for it.
    """
    return (
        item.fixturenames == ["program"]
        and list(item.iter_markers()) == []
        and item.cls is None
    )


class _Turn:
    """What a runner is at, as the worker sees it too, and whoever comes after it.

    `check` is the place, in the job's list, of the check that the runner's own process
    runs; None where none does.
    """

    def __init__(self, place: int) -> None:
        self.place = place
        self.pid = 0
        self.ended_with = 0
        self._check = mmap(-1, 1)  # shared with what is forked from here, mmap(2)

    @property
    def check(self) -> int | None:
        return self._check[0] - 1 if self._check[0] else None

    @check.setter
    def check(self, place: int | None) -> None:
        self._check[0] = 0 if place is None else place + 1


@contextmanager
def _process_of_its_own() -> Iterator[None]:
    """What a forked process does, and nothing else: it ends with it, and its parent."""
    status = 1
    try:
        ptrace.end_with_parent()
        yield
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _ids(failure: CheckFailed) -> list[str]:
    return [finding.id for finding in failure.findings]
