"""Promises of any order: what breaks one is found, told by a code, and seen again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.authoring import answers
from grader.catalog import Exercise, find, own_course
from grader.cli import main
from grader.errors import UsageError
from grader.exploring.orders import Orders
from grader.session import grade
from grader.verdict import Finding, Outcome, Verdict
from tests.grading.exercises import made_exercise

# Its programs count their runs where all of them can.
pytestmark = pytest.mark.usefixtures("unkept")

ROOT = Path(__file__).parents[2]
RACY = ROOT / "solutions" / "exercise4" / "wrong" / "guards_against_itself.py"
CHECK = "signals-within-signals"

CHECKS = """\
from grader.checking import assert_that, points
from grader.tracing import child_first, take_turns


def _collects(run):
    assert_that(run).leaves_no_zombie()


def _collects_two(run):
    assert_that(run).forks(2).leaves_no_zombie()


@points(1)
def test_collects(program):
    '''It collects.'''
    program.in_any_order(_collects, arguments=(2,))


@points(1)
def test_collects_two(program):
    '''It collects two.'''
    program.in_any_order(_collects_two, arguments=[2])


@points(1)
def test_named(program):
    '''It collects one, whoever comes first.'''
    program.in_any_order(_collects, take_turns, child_first, arguments=(1,))


@points(1)
def test_alone(program):
    '''It forks once.'''
    assert_that(program.run(1)).forks(1)
"""

# It waits only for those children that have not ended by the time that it has forked
# them all.
PROGRAM = """\
import os, sys

with open({count!r}, "a") as count:
    count.write("x")
pids = []
for _ in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    pids.append(pid)
looks = os.WEXITED | os.WNOHANG | os.WNOWAIT
for pid in [pid for pid in pids if {right} or not os.waitid(os.P_PID, pid, looks)]:
    os.waitpid(pid, 0)
"""


@pytest.fixture
def exercise(tmp_path: Path) -> Exercise:
    """One whose checks promise any order."""
    return made_exercise(tmp_path, CHECKS)


def _graded(
    exercise: Exercise,
    count: Path,
    *,
    right: bool = False,
    only: str | None = None,
    orders: Orders | None = None,
) -> Verdict:
    count.unlink(missing_ok=True)
    source = PROGRAM.format(count=str(count), right=right).encode()
    orders = orders or Orders()
    verdict = grade(exercise, Path("racy.py"), source=source, only=only, orders=orders)
    assert verdict.trouble == ""
    return verdict


def _findings(verdict: Verdict) -> dict[str, Finding]:
    return {check.id: check.findings[0] for check in verdict.checks if check.findings}


def test_a_race_is_found_and_told_by_its_code(
    exercise: Exercise, tmp_path: Path
) -> None:
    """The same each time; by a schedule that the check names, where one finds it."""
    verdicts = [_graded(exercise, tmp_path / "count") for _ in range(3)]
    for verdict in verdicts:
        found = _findings(verdict)
        assert {f.id for f in found.values()} == {"zombie-left"}
        assert re.fullmatch(r"x\d+b", found["collects"].schedule)
        assert found["named"].schedule == "take_turns"
        assert set(found) == {"collects", "collects-two", "named"}
    codes = [[f.schedule for f in _findings(v).values()] for v in verdicts]
    assert codes[0] == codes[1] == codes[2]


def test_without_the_named_schedules(exercise: Exercise, tmp_path: Path) -> None:
    """A search finds what they find."""
    orders = Orders(named=False)
    found = _findings(_graded(exercise, tmp_path / "count", orders=orders))
    assert re.fullmatch(r"x\d+b", found["named"].schedule)


def test_no_search_at_all(exercise: Exercise, tmp_path: Path) -> None:
    """Named schedules are looked at all the same."""
    found = _findings(_graded(exercise, tmp_path / "count", orders=Orders(runs=0)))
    assert set(found) == {"named"}


def test_runs_are_made_once_for_all_checks(exercise: Exercise, tmp_path: Path) -> None:
    """Those of a right program, which are as many as there are."""
    count = tmp_path / "count"
    one = _graded(exercise, count, right=True, only="collects")
    alone = len(count.read_text())
    two = _graded(exercise, count, right=True, only="collects-two")
    assert one.outcome is two.outcome is Outcome.FULL
    assert len(count.read_text()) == alone
    assert 3 < alone <= Orders().runs
    _graded(exercise, count, right=True, only="named")
    named = len(count.read_text())
    assert _graded(exercise, count, right=True).outcome is Outcome.FULL
    assert len(count.read_text()) == alone + named  # which has the one of `alone`


@pytest.mark.parametrize("only", ["x", "parent_first"])
def test_one_schedule_under_which_all_is_well(
    exercise: Exercise, tmp_path: Path, only: str
) -> None:
    """It alone is looked at, and told; other checks do what they always do."""
    count = tmp_path / "count"
    verdict = _graded(exercise, count, orders=Orders(only=only))
    assert verdict.outcome is Outcome.FULL
    told = [check.id for check in verdict.checks if check.timeline]
    assert told == ["collects", "collects-two", "named"]
    # Two of three runs are told, each made once more for the program's lines.
    assert count.read_text() == "xxx" + "xx"


def test_a_schedule_of_something_else(exercise: Exercise, tmp_path: Path) -> None:
    """It is told, and which check it does not fit."""
    count = tmp_path / "count"
    with pytest.raises(UsageError, match=r"^x1z is no schedule of the check collects"):
        _graded(exercise, count, only="collects", orders=Orders(only="x1z"))
    with pytest.raises(UsageError, match=r"^the check alone promises nothing for any"):
        _graded(exercise, count, only="alone", orders=Orders(only="x"))


# Answers that are wrong in some orders alone: with none of their processes preempted
# nothing is wrong with them.
RACES = (
    "exercise1/wrong/gives_up_polling.py",
    "exercise2/wrong/end_of_file_is_the_end.py",
    "exercise2/wrong/polls_once_for_the_child.py",
    "exercise4/wrong/deaf_while_it_collects.py",
    "exercise4/wrong/guards_against_itself.py",
    "exercise4/wrong/list_changes_underneath.py",
    "exercise4/wrong/locks_its_handler.py",
    "exercise4/wrong/prints_in_handler.py",
)


@pytest.mark.parametrize("race", RACES)
def test_a_search_alone_finds_what_is_wrong(race: str) -> None:
    """Without any schedule that a check names; unpreempted, all holds."""
    path = own_course().solutions / race
    exercise = find(path.parts[-3])
    (announced,) = answers.announced(path.read_bytes())
    unpreempted = grade(exercise, path, orders=Orders(only="x"))
    assert unpreempted.outcome is Outcome.FULL
    alone = grade(exercise, path, orders=Orders(named=False))
    findings = alone.all_findings
    assert {finding.id for finding in findings} == {announced}
    assert all(re.match(r"x\d", finding.schedule) for finding in findings)


# --- the command --------------------------------------------------------------


def _story(told: str) -> str:
    """What is told, without pids."""
    return re.sub(r"\d{2,}", "N", told.partition("What the processes did")[2])


def test_what_is_told_is_seen_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command that is told, word for word."""
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["exercise4", str(RACY), "--check", CHECK]) == 1
    told = capsys.readouterr().out
    (command,) = re.findall(r"see it again: grade (.*?)\n\n", told, re.DOTALL)
    words = command.split()
    assert words[:4] == ["exercise4", str(RACY), "--check", CHECK]
    assert main(words) == 1
    again = capsys.readouterr().out
    assert "looked at under x" in again
    assert _story(again).split("Score")[0] == _story(told).split("Score")[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exercise4", "--schedule", "nonsense"], "there is no schedule 'nonsense'"),
        (["exercise4", "--schedule", "x3b-2a"], "there is no schedule 'x3b-2a'"),
        (["exercise4", "--schedule", "x1z"], "x1z is no schedule of the check"),
        (
            ["exercise4", "--check", CHECK, "--schedule", "x99999b"],
            f"x99999b is no schedule of the check {CHECK}",
        ),
        (["exercise3", "--schedule", "x"], "no check of exercise3 promises anything"),
    ],
)
def test_a_schedule_that_says_nothing(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """One sentence, and status 2."""
    exercise = words[0]
    file = own_course().solutions / exercise / f"{exercise}.py"
    assert main([*words, str(file)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_names_and_codes_are_schedules(capsys: pytest.CaptureFixture[str]) -> None:
    """Both are looked at alone."""
    file = own_course().solutions / "exercise1" / "exercise1.py"
    for schedule in ("child_first", "x"):
        assert main(["exercise1", str(file), "--schedule", schedule]) == 0
        told = " ".join(capsys.readouterr().out.split())
        assert f"looked at under {schedule} alone" in told


def test_a_schedule_under_which_a_check_holds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the processes did is told, with the lines of the program."""
    words = ["exercise4", str(RACY), "--check", CHECK, "--schedule", "x"]
    assert main(words) == 0
    told = capsys.readouterr().out
    story = told.partition("It holds. What the processes did:")[2]
    assert re.search(r"parent \d+ +line \d+: forks \d+", story)


MUCH = b"""
import os
r, w = os.pipe()
for _ in range(2500):
    os.write(w, b"x")
    os.read(r, 1)
"""
SEARCHED = """\
from grader.checking import CheckFailed, points
from grader.diagnosis.finding import found
from grader.tracing import take_turns


def _is_not_searched(run):
    if run.steps:  # only a search notes them
        raise CheckFailed([found("never-ends", "it was searched", run)], run)


@points(1)
def test_much(program):
    '''It is not searched.'''
    program.in_any_order(_is_not_searched, take_turns)
"""


def test_a_program_that_does_much_is_not_searched(tmp_path: Path) -> None:
    """Where a schedule that is looked at anyway shows that it does."""
    exercise = made_exercise(tmp_path, SEARCHED)
    much = grade(exercise, Path("much.py"), source=MUCH)
    assert much.outcome is Outcome.FULL
    little = grade(exercise, Path("little.py"), source=b"print()\n")
    assert [f.message for f in little.all_findings] == ["it was searched"]
