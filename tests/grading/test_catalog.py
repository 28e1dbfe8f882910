"""An exercise's folder: what it must have, and what is said where it has not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.catalog import find, find_exercises, names, read_exercise
from grader.errors import CatalogError, UsageError
from grader.session import grade
from grader.verdict import Outcome

SOLUTION = Path(__file__).parents[2] / "solutions" / "exercise1" / "exercise1.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of exercise 1, to be broken."""
    return shutil.copytree(find("exercise1").folder, tmp_path / "exercise1")


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no stub": (lambda f: (f / "stub.py").unlink(), "stub.py is missing"),
    "no title": (
        lambda f: _replace(f / "exercise.toml", "title =", "titel ="),
        "'titel'",
    ),
    "a limit that is none": (
        lambda f: _replace(f / "exercise.toml", "real_seconds = 120", "seconds = 1"),
        "'seconds'",
    ),
    "a limit of nothing": (
        lambda f: _replace(f / "exercise.toml", "= 120", "= 0"),
        "above 0",
    ),
    "not TOML": (lambda f: (f / "exercise.toml").write_text("title"), "exercise.toml"),
    "not Python": (
        lambda f: (f / "test_exercise1.py").write_text("def ("),
        "not valid Python",
    ),
    "no points": (
        lambda f: _replace(f / "test_exercise1.py", "@points(2)\n", ""),
        "@points",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_exercise_is_told_so(folder: Path, fault: str) -> None:
    """In one sentence that names the file, or what is wrong in it."""
    break_it, said = BROKEN[fault]
    break_it(folder)
    with pytest.raises(CatalogError, match="exercise") as caught:
        read_exercise(folder)
    assert said in str(caught.value)


def test_checks_that_cannot_be_imported_are_the_grader_s_failure(folder: Path) -> None:
    """No submission loses points for them."""
    _replace(folder / "test_exercise1.py", "grader.checking", "grader.checkers")
    verdict = grade(read_exercise(folder), SOLUTION)
    assert verdict.outcome is Outcome.GRADER_ERROR
    assert "No module named 'grader.checkers'" in verdict.error


def test_names_come_in_order_and_wrong_ones_are_refused() -> None:
    """By number, not by letter; with the names there are."""
    assert names() == list(find_exercises())
    with pytest.raises(UsageError, match="there are exercise1, exercise2"):
        find("exercise11")
