"""The shape of a program: what renaming leaves alone, and what it does not."""

from __future__ import annotations

import keyword
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.catalog import find_exercises
from grader.course.handed_in import Attempt
from grader.course.likeness import shape, statements_of
from grader.course.results import Result
from grader.verdict import Verdict

SOLUTIONS = Path(__file__).parents[2] / "solutions"

PROGRAM = """\
import os
import sys


class {Reader}:
    def __init__(self, {end}):
        self.{end_kept} = {end}
        self.{count} = 0

    def {lines}(self):
        with os.fdopen(self.{end_kept}) as {file}:
            for {line} in {file}:
                self.{count} += 1
                yield {line}.rstrip()


def {work}({number}, *, {pause}=1):
    global {total}
    {total} = {number} * 2 + sum({each} for {each} in range({number}))
    try:
        print("value", {total}, end="")
    except OSError as {error}:
        print({error}, file=sys.stderr)
    return lambda {inner}: {inner} + {number}


{total} = 0
{work}(5, {pause}=3)
"""
NAMES = [
    "Reader", "end", "end_kept", "count", "lines", "file", "line", "work", "number",
    "pause", "total", "each", "error", "inner",
]  # fmt: skip


def _named(names: list[str]) -> bytes:
    return PROGRAM.format(**dict(zip(NAMES, names, strict=True))).encode()


PLAIN = shape(_named([f"name_{number}" for number in range(len(NAMES))]))


_names = st.from_regex(r"[a-z]{1,8}_[a-z]{1,3}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name)
)


@given(st.lists(_names, min_size=len(NAMES), max_size=len(NAMES), unique=True))
def test_names_do_not_matter(names: list[str]) -> None:
    """Whatever all that a program names is called, it has one shape."""
    assert shape(_named(names)) == PLAIN != ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("* 2 +", "* 2 -"),
        ("* 2", "* 3"),
        ("os.fdopen", "os.open"),
        ("sum(", "max("),
        ("OSError", "ValueError"),
        ("import sys", "import select as sys"),
        (", file=sys.stderr", ", flush=sys.stderr"),
        ("name_8 * 2", "name_10 * 2"),
    ],
)
def test_what_matters(before: str, after: str) -> None:
    """An operator, a constant, what comes from elsewhere, another variable."""
    source = _named([f"name_{number}" for number in range(len(NAMES))]).decode()
    assert before in source
    changed = shape(source.replace(before, after).encode())
    assert changed != ""
    assert changed != PLAIN


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("* 2 +", "*  0b10  +"),
        ("import os\n", "# the system\nimport os  # all of it\n"),
        ("import os\n", "import os as system\n"),
        ('"value"', "'val' 'ue'"),
        (
            "(name_8, *, name_9=1):\n",
            '(name_8: int, *, name_9=1) -> int:\n    "Twice."\n',
        ),
        ("name_10 = 0", "name_10: int = 0"),
    ],
)
def test_what_does_not_matter(before: str, after: str) -> None:
    """Spelling, docstrings, comments, annotations, and a module's local name."""
    source = _named([f"name_{number}" for number in range(len(NAMES))]).decode()
    assert before in source
    changed = source.replace(before, after)
    if "as system" in after:
        changed = changed.replace("os.", "system.")
    assert shape(changed.encode()) == PLAIN


def test_names_of_one_function_say_nothing_of_another() -> None:
    """Two functions may call their own variables the same, or not."""
    text = "def f({0}):\n    {1}\n    return {0}\ndef g({2}):\n    return {2}\n"
    lines = "\n    ".join("print({0})" for _ in range(12))
    one = text.format("a", lines.format("a"), "a")
    other = text.format("a", lines.format("a"), "b")
    swapped = text.format("f_", lines.format("f_"), "a")
    assert shape(one.encode()) == shape(other.encode()) == shape(swapped.encode()) != ""


@given(st.binary())
def test_any_bytes(source: bytes) -> None:
    """What is no program has no shape."""
    assert shape(source) == "" or statements_of(shape(source)) > 0


@pytest.mark.parametrize(
    "source", [b"", b"print(", b"\0", b"x = " + b"-" * 100_000 + b"1"]
)
def test_what_has_no_shape(source: bytes) -> None:
    """It cannot be parsed, or is too small."""
    assert shape(source) == ""


def test_stubs_have_no_shape() -> None:
    """Who hands in what was handed out is like everybody who does."""
    for exercise in find_exercises().values():
        assert shape(exercise.stub.read_bytes()) == ""


def test_different_answers_have_different_shapes() -> None:
    """All of the kit's are programs of their own."""
    found = [shape(path.read_bytes()) for path in SOLUTIONS.glob("*/**/*.py")]
    shapes = [one for one in found if one]
    assert len(shapes) > 100
    assert len(shapes) == len(set(shapes))


def test_a_result_has_its_programs_shape() -> None:
    """And one that was written before there were shapes can be read."""
    source = (SOLUTIONS / "exercise2" / "exercise2.py").read_bytes()
    attempt = Attempt("ada", "exercise2", "ada/exercise2.py", source)
    result = Result.of(attempt, "key", Verdict("exercise2", "f", ()))
    assert result.shape == shape(source) != ""
    data = result.as_json()
    assert Result.from_json(data) == result
    del data["shape"]
    assert Result.from_json(data) == replace(result, shape="")
