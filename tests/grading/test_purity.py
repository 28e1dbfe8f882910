"""Which checks may share a process, and what becomes of one that ends it."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from grader.course.bench import Bench
from grader.course.handed_in import Attempt
from grader.diagnosis import processes
from grader.purity import leaves_nothing_behind
from grader.verdict import CheckOutcome
from tests.grading.exercises import made_exercise

PURE = """
import re
from itertools import pairwise

from grader.checking import Submission, assert_that, points
from grader.tracing import child_first, take_turns

LINES = ("a", "b")
PATTERN = re.compile("a")
ORDERS = (take_turns, child_first)


def helper(run, *, limit=3):
    found = {}
    for line in LINES:
        found[line] = [n for n in range(limit) if PATTERN.match(line)]
    return found


@points(2)
def test_it(program: Submission) -> None:
    '''It.'''
    program.in_any_order(lambda run: assert_that(run).forks(1), *ORDERS)
"""


def _module(text: str) -> ModuleType:
    module = ModuleType("checks")
    exec(textwrap.dedent(text), vars(module))
    return module


def test_functions_and_constants_leave_nothing_behind() -> None:
    """However much they do in between."""
    assert leaves_nothing_behind(_module(PURE))


@pytest.mark.parametrize(
    "more",
    [
        "SEEN = []",
        "from grader import session",
        "import operator",
        "def helper(run):\n    run.__dict__['seen'] = 1",
        "def helper():\n    helper.__globals__['LINES'] = ()",
        "def helper(run):\n    object.__setattr__(run, 'seen', 1)",
        "def helper(run):\n    getattr(run, 'seen')",
        "SEEN = ([],)",
        "SEEN = {}",
        "import os",
        "import random",
        "from os import environ",
        "from os import chdir",
        "def helper():\n    import os",
        "def helper():\n    global LINES\n    LINES = ()",
        "def helper(run):\n    run.seen = True",
        "def helper(run):\n    setattr(run, 'seen', True)",
        "def helper(run):\n    return lambda: exec('1')",
        "def helper(seen=[]):\n    seen.append(1)",
        "def helper(*, seen={}):\n    seen[1] = 1",
        "def helper(): ...\nhelper.seen = []",
        "class Kept:\n    seen = []",
        "KEPT = object()",
        "def within(n):\n    return lambda: n\nhelper = within(0)",
    ],
)
def test_what_could_leave_something_behind(more: str) -> None:
    """It is not looked at any closer: such checks only take longer."""
    assert not leaves_nothing_behind(_module(f"{PURE}\n{more}\n"))


SHARING = """
from grader.diagnosis.processes import os_exit
from grader.checking import points
from grader.tracing import take_turns


@points(1)
def test_first(program):
    '''It goes before.'''
    program.run()


@points(1)
def test_ends_its_process(program):
    '''It takes its process with it.'''
    if b"ends" in program.source:
        os_exit({status})


@points(1)
def test_last(program):
    '''It goes after.'''
    program.run()
"""


@pytest.mark.parametrize("status", [0, 4])
def test_a_check_that_ends_its_process_ends_no_other(
    tmp_path: Path, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told how it ended, whatever it was, and all others are run."""

    def os_exit(status: int) -> None:
        os._exit(status)

    os_exit.__module__ = processes.__name__
    monkeypatch.setattr(processes, "os_exit", os_exit, raising=False)
    exercise = made_exercise(tmp_path, SHARING.format(status=status))
    with Bench(None) as bench:
        for source in (b"print()\n", b"'ends'\n", b"print()\n"):
            attempt = Attempt("ada", exercise.name, "ada.py", source)
            verdict = bench.grade(attempt, exercise)
            first, ends, last = verdict.checks
            assert first.outcome is last.outcome is CheckOutcome.PASSED
            if b"ends" not in source:
                assert ends.outcome is CheckOutcome.PASSED
            else:
                assert ends.outcome is CheckOutcome.GRADER_ERROR
                how = f"the check's process ended with status {status}"
                assert ends.error == how


EMPTYING = """
from grader.checking import points


@points(1)
def test_first(program):
    '''It empties its recording.'''
    run = program.run()
    assert run.events
    run.events.clear()


@points(1)
def test_last(program):
    '''So does it.'''
    run = program.run()
    assert run.events
    run.events.clear()
"""


def test_what_a_check_does_to_a_recording_no_other_sees(tmp_path: Path) -> None:
    """They look at the same run, and not at the same object."""
    exercise = made_exercise(tmp_path, EMPTYING)
    with Bench(None) as bench:
        attempt = Attempt("ada", exercise.name, "ada.py", b"print()\n")
        verdict = bench.grade(attempt, exercise)
    assert [check.outcome for check in verdict.checks] == [CheckOutcome.PASSED] * 2
