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
    "a network that is neither there nor not": (
        lambda f: _replace(f / "exercise.toml", "[limits]", "loopback = 1\n[limits]"),
        "'loopback' is true or false",
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


def test_how_long_a_program_may_compute_is_a_limit(folder: Path) -> None:
    """Two seconds, unless the exercise says otherwise."""
    assert read_exercise(folder).limits.busy_seconds == 2
    _replace(folder / "exercise.toml", "[limits]", "[limits]\nbusy_seconds = 0.5")
    assert read_exercise(folder).limits.busy_seconds == 0.5


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


_CHECK = """
@points(2)
def test_another(program):
    'It does.'
    program.run()
"""


# What is written at the end of the file of checks, and what is said of it.
NOT_ONCE = {
    "twice": (_CHECK + _CHECK, "defines test_another twice, at the end on line "),
    "parametrized": (
        f"import pytest\n\n@pytest.mark.parametrize('n', [1, 2]){_CHECK}",
        "test_another is parametrized, and would count as one check",
    ),
    "parametrized by another name": (
        f"from pytest import mark as m\n\n@m.parametrize('n', [1, 2]){_CHECK}",
        "test_another is parametrized",
    ),
    "in a class": (
        "class TestMore:" + _CHECK.replace("\n", "\n    "),
        "lies in a class or a block, where it would not count",
    ),
    "in a block": (
        "if True:" + _CHECK.replace("\n", "\n    "),
        "lies in a class or a block",
    ),
    "a coroutine": (_CHECK.replace("def", "async def"), "test_another is a coroutine"),
}


@pytest.mark.parametrize("case", NOT_ONCE)
def test_a_check_that_would_not_count_once_is_refused(folder: Path, case: str) -> None:
    """With what to do instead."""
    checks = folder / "test_exercise1.py"
    checks.write_text(checks.read_text() + NOT_ONCE[case][0])
    with pytest.raises(CatalogError) as caught:
        read_exercise(folder)
    said = str(caught.value)
    assert said.startswith(str(checks))
    assert NOT_ONCE[case][1] in said
    assert "; " in said


def test_checks_that_pytest_would_run_several_times_count_nothing(
    folder: Path,
) -> None:
    """What only pytest can know of them is the grader's failure."""
    checks = folder / "test_exercise1.py"
    code = """
import pytest

@pytest.fixture(autouse=True, params=[1, 2])
def number(request):
    return request.param
"""
    checks.write_text(checks.read_text() + code)
    verdict = grade(read_exercise(folder), SOLUTION)
    assert verdict.outcome is Outcome.GRADER_ERROR
    assert "pytest would run test_" in verdict.error
    assert "2 times" in verdict.error


def test_a_course_that_was_written_on_windows(folder: Path) -> None:
    """With the mark that editors put before UTF-8 there, and its line ends."""
    before = read_exercise(folder)
    for name in ("exercise.toml", "test_exercise1.py", "stub.py", "README.md"):
        text = (folder / name).read_text()
        (folder / name).write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    exercise = read_exercise(folder)
    assert exercise == before
    verdict = grade(exercise, SOLUTION)
    assert verdict.outcome is Outcome.FULL
    assert grade(exercise, exercise.stub).score == 0


def test_names_come_in_order_and_wrong_ones_are_refused() -> None:
    """By number, not by letter; with the names there are."""
    assert names() == list(find_exercises())
    with pytest.raises(UsageError, match="there are exercise1, exercise2"):
        find("exercise11")


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("exercise.toml", "limits = 5", "limits is a table; write [limits]"),
        ("exercise.toml", "limits = []", "limits is a table; write [limits]"),
        ("exercise.toml", "[limits]\nprocesses = true", "processes in [limits] is a w"),
        ("exercise.toml", "[limits]\nprocesses = 1.5", "processes in [limits] is a w"),
        ("exercise.toml", "[limits]\nmemory_mib = 0", "memory_mib in [limits] is a w"),
        (
            "exercise.toml",
            "[limits]\nreal_seconds = nan",
            "real_seconds in [limits] is a number above 0, 1000000000 at most",
        ),
        ("exercise.toml", "[limits]\nreal_seconds = inf", "real_seconds in [limits]"),
        ("exercise.toml", "[limits]\ncpu_seconds = 1e300", "cpu_seconds in [limits]"),
        ("exercise.toml", "more = " + "[" * 5000, "nests its values too deeply"),
        ("exercise.toml", 'title = "a\\u0000"', "'title' has a NUL character in it"),
        ("test_exercise1.py", "x = " + "(" * 9_000, "is not valid Python"),
        ("test_exercise1.py", "x = " + "-" * 200_000 + "1", "it nests too deeply"),
    ],
)
def test_what_breaks_a_parser_is_told_in_a_sentence(
    folder: Path, name: str, line: str, said: str
) -> None:
    """With the file, and the key where there is one."""
    path = folder / name
    text = path.read_text()
    if "limits" in line:
        text = text.partition("[limits]")[0]
    if line.startswith("title"):
        text = "\n".join(t for t in text.splitlines() if not t.startswith("title"))
    text = f"{line}\n{text}" if line[0] != "[" else f"{text}\n{line}\n"
    path.write_text(text)
    with pytest.raises(CatalogError) as caught:
        read_exercise(folder)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
