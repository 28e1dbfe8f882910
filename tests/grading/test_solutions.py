"""The kit proves itself: right answers get full marks, wrong ones their diagnosis."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from grader.catalog import find, find_exercises
from grader.diagnosis.texts import all_ids
from grader.session import grade
from grader.verdict import CheckOutcome, Outcome, Verdict

SOLUTIONS = Path(__file__).parents[2] / "solutions"
EXERCISES = list(find_exercises())
RIGHT = sorted([*SOLUTIONS.glob("exercise*/*.py"), *SOLUTIONS.glob("*/right/*.py")])
WRONG = sorted(SOLUTIONS.glob("*/wrong/*.py"))


def _id(path: Path) -> str:
    return str(path.relative_to(SOLUTIONS))


@cache
def _verdict(path: Path) -> Verdict:
    exercise = path.relative_to(SOLUTIONS).parts[0]
    return grade(find(exercise), path)


def _said(verdict: Verdict) -> list[str]:
    return [f.id for check in verdict.checks for f in check.findings]


def _announced(path: Path) -> list[str]:
    """The diagnoses that a wrong answer's first line names, the principal first."""
    first = path.read_text().partition("\n")[0]
    assert first.startswith("# diagnosis: "), f"{path}: line 1 names no diagnosis"
    return [name.strip() for name in first.partition(":")[2].split(",")]


@pytest.mark.parametrize("path", RIGHT, ids=_id)
def test_right_answers_get_full_marks(path: Path) -> None:
    """Whatever their style."""
    verdict = _verdict(path)
    told = [(f.id, f.message) for check in verdict.checks for f in check.findings]
    assert told == []
    assert verdict.outcome is Outcome.FULL


@pytest.mark.parametrize("path", WRONG, ids=_id)
def test_wrong_answers_get_their_diagnosis(path: Path) -> None:
    """The one that they name first, and none that they do not name."""
    announced = _announced(path)
    verdict = _verdict(path)
    told = {(f.id, f.message) for check in verdict.checks for f in check.findings}
    assert verdict.outcome in (Outcome.PARTIAL, Outcome.NONE)
    assert announced[0] in _said(verdict), told
    assert set(_said(verdict)) <= set(announced), told


@pytest.mark.parametrize("path", WRONG, ids=_id)
def test_wrong_answers_name_known_diagnoses_and_a_misconception(path: Path) -> None:
    """Lines 1 and 2 are read by people and programs."""
    assert set(_announced(path)) <= set(all_ids())
    assert path.read_text().splitlines()[1].startswith("# ")


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_check_can_fail(exercise: str) -> None:
    """Some wrong answer fails it, and no check is there for show."""
    failed = {
        check.id
        for path in WRONG
        if path.parent.parent.name == exercise
        for check in _verdict(path).checks
        if check.outcome is CheckOutcome.FAILED
    }
    assert failed == {check.id for check in find(exercise).checks}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_there_are_enough_of_each(exercise: str) -> None:
    """A reference, 3 other right answers, and 10 wrong ones."""
    folder = SOLUTIONS / exercise
    assert (folder / f"{exercise}.py").is_file()
    assert len(list(folder.glob("right/*.py"))) >= 3
    assert len(list(folder.glob("wrong/*.py"))) >= 10


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_stub_is_told_kindly(exercise: str) -> None:
    """It is not run, and the student hears how to begin."""
    verdict = grade(find(exercise), find(exercise).stub)
    assert [finding.id for finding in verdict.findings] == ["cannot-load"]
    assert "still the stub" in verdict.findings[0].message
    assert verdict.outcome is Outcome.NONE


@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_exercise_has_10_points_and_hints(exercise: str) -> None:
    """As the hand-outs promise."""
    assert sum(check.points for check in find(exercise).checks) == 10
    assert len(find(exercise).hints) >= 3
