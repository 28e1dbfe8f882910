"""The pytest plugin that runs an exercise's checks, each in a forked process.

A check's outcome does not come from pytest's report but from the check process
itself, as one JSON line on a pipe that only the grader's processes hold: a check
that sends none did not pass, whatever pytest says of it.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from grader.checking import CheckFailed, Submission
from grader.tracing import ptrace
from grader.tracing.recording import Recording
from grader.verdict import CheckOutcome, CheckResult, Finding, check_json
from grader.worker import Runner


def check_id(function_name: str) -> str:
    """A check's stable id: its function's name without ``test_``."""
    return function_name.removeprefix("test_").replace("_", "-")


def check_title(function: Any) -> str:
    """A check's title: the first line of its docstring."""
    text: str = function.__doc__ or function.__name__
    return text.strip().splitlines()[0].rstrip(".")


class CheckRunner:
    """Runs the collected checks and sends each one's outcome."""

    def __init__(
        self,
        runners: Sequence[Runner],
        tickets: int,
        story: Callable[[Recording], tuple[str, ...]],
        only: str | None,
    ) -> None:
        """`story` tells a failing run.

        From `tickets` comes a byte for each check that is still to run: its place
        among those that were collected.
        """
        self._runner, *self._others = runners
        self._tickets = tickets
        self._story = story
        self._only = only

    @pytest.fixture
    def program(self) -> Submission:
        """The student's program."""
        return self._runner.program

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        """Keep the check that was asked for."""
        if self._only is not None:
            items[:] = [i for i in items if check_id(i.originalname) == self._only]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the checks in all runners, of which this process becomes the first."""
        if session.testsfailed:
            raise session.Interrupted("the checks could not be collected")
        forked = [self._fork(session, runner) for runner in self._others]
        self._run_checks(session)
        for pid in forked:
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if status != 0:
                raise session.Interrupted(f"a runner ended with status {status}")
        return True

    def _fork(self, session: pytest.Session, runner: Runner) -> int:
        """Fork a process that becomes this runner; its pid."""
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                ptrace.end_with_parent()
                os.close(self._runner.channel)
                self._runner = runner
                self._run_checks(session)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(runner.channel)
        return pid

    def _run_checks(self, session: pytest.Session) -> None:
        """Run whichever check is next, until the runners have run them all."""
        self._runner.pin()
        while ticket := os.read(self._tickets, 1):
            item = session.items[ticket[0]]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Function) -> None:
        """Say which check begins, in the process that forks it."""
        self._send({"started": check_id(item.originalname)})

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Any:
        """Run a check, in its own process, and send what came of it."""
        ptrace.end_with_parent()
        check: Any = pyfuncitem.function
        result = CheckResult(
            id=check_id(pyfuncitem.originalname),
            title=check_title(check),
            points=check.points,
            earned=0,
            outcome=CheckOutcome.GRADER_ERROR,
        )
        try:
            answer = yield
        except CheckFailed as failure:
            findings = _with_story(failure.findings, self._story(failure.run))
            failed = replace(result, outcome=CheckOutcome.FAILED, findings=findings)
            self._send(check_json(failed))
            raise
        except BaseException as error:
            lines = traceback.format_exception(error)
            self._send(check_json(replace(result, error="".join(lines[-3:]))))
            raise
        self._send(
            check_json(
                replace(result, outcome=CheckOutcome.PASSED, earned=check.points)
            )
        )
        return answer

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say what pytest saw, for a check whose own process could not."""
        if report.failed:
            name = report.nodeid.rpartition("::")[2]
            text = report.longreprtext[-1500:]
            self._send({"failed": check_id(name), "report": text})

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._runner.channel, data) :]


def _with_story(
    findings: tuple[Finding, ...], story: tuple[str, ...]
) -> tuple[Finding, ...]:
    """The first finding tells the run's story; the others are of the same run."""
    first, *others = findings
    return (replace(first, timeline=story), *others)
