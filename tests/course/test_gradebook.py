"""Gradebooks: what is known goes in, what was there stays, and nothing runs."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.course.gradebook import Rules, canvas, defused, moodle, plain
from grader.course.results import Result
from grader.errors import UsageError
from grader.verdict import CheckOutcome, CheckResult, Finding, Verdict


def _result(
    student: str, exercise: str, score: int, *, late: bool = False, name: str = ""
) -> Result:
    checks = (
        CheckResult("a", "It forks", score, score, CheckOutcome.PASSED),
        CheckResult(
            "b",
            "It waits",
            10 - score,
            0,
            CheckOutcome.FAILED,
            (Finding("zombie-left", "a zombie"),),
        ),
    )
    return Result(
        student, name, "f.py", None, late, "key", Verdict(exercise, "f.py", checks)
    )


ADA = _result("4711", "exercise1", 10, name="Ada Lovelace")
BOB = _result("4712", "exercise1", 7, late=True, name="=HYPERLINK()")
BOB_2 = _result("4712", "exercise2", 5)
EVE = _result("eve", "exercise1", 5)


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_plain() -> None:
    """A row a student; weights, late work, and no formula."""
    rules = Rules({"exercise1": Decimal(3)}, late=Decimal(25))
    assert _rows(plain([BOB, BOB_2, ADA], rules)) == [
        ["student", "name", "exercise1", "exercise2", "sum"],
        ["4711", "Ada Lovelace", "3.00", "", "3.00"],
        ["4712", "'=HYPERLINK()", "1.58", "5.00", "6.58"],
    ]


@given(st.integers(0, 10), st.decimals(0, 100, places=2), st.decimals(0, 100, places=1))
def test_grades(score: int, weight: Decimal, late: Decimal) -> None:
    """Between nothing and the weight; late work gives no more than work in time."""
    rules = Rules({"exercise1": weight}, late=late)
    in_time = rules.grade(_result("a", "exercise1", score))
    too_late = rules.grade(_result("a", "exercise1", score, late=True))
    assert 0 <= too_late <= in_time <= weight
    assert in_time == -(-in_time * 100 // 1) / 100


def test_half_a_cent_is_rounded_up() -> None:
    """As people do it, not as floating point does."""
    rules = Rules({"exercise1": Decimal("0.05")})
    assert rules.grade(_result("a", "exercise1", 5)) == Decimal("0.03")
    assert rules.grade(_result("a", "exercise1", 1)) == Decimal("0.01")


CANVAS = """\
\ufeffStudent,ID,SIS Login ID,Section,Exercise1 (9),exercise10 (8),exercise2: Pipes (7)
    Points Possible,,,,10,10,10
"Lovelace, Ada",4711,4712,One,3,9,
"Jones, Bob",4712,bob,@home,,9,
"Nobody, Eve",816,eve,- absent,1,9,2
"""


def test_canvas() -> None:
    """By the number that most have; other cells and columns stay."""
    filled = canvas(CANVAS, [ADA, BOB, BOB_2, EVE], Rules())
    rows = _rows(filled.text.removeprefix("\ufeff"))
    assert filled.without_row == ["eve"]
    assert filled.text.startswith("\ufeff")
    assert rows[0] == next(csv.reader(io.StringIO(CANVAS.removeprefix("\ufeff"))))
    assert rows[1] == ["    Points Possible", "", "", "", "10", "10", "10"]
    assert rows[2] == ["Lovelace, Ada", "4711", "4712", "One", "10.00", "9", ""]
    assert rows[3] == ["Jones, Bob", "4712", "bob", "@home", "7.00", "9", "5.00"]
    assert rows[4] == ["Nobody, Eve", "816", "eve", "- absent", "1", "9", "2"]


@pytest.mark.parametrize(
    ("exported", "message"),
    [
        ("", "is empty"),
        ("Name,Grade\n", "no column 'ID'"),
        ("Student,ID\nAda,4711\n", "no column whose name begins with 'exercise1'"),
        ("ID,exercise1 (1),exercise1 (2)\n", "several columns"),
        ("ID,exercise1\nPoints Possible,5\n", "--weight NAME=5"),
    ],
)
def test_what_is_no_export_of_canvas(exported: str, message: str) -> None:
    """One sentence that says what to do."""
    with pytest.raises(UsageError, match=message):
        canvas(exported, [ADA], Rules())


MOODLE = """\
Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Feedback comments"
"Participant 4711","Ada Lovelace",ada@example.org,"Submitted",,10.00,
"Participant 4712","Bob Jones",bob@example.org,"Submitted",,10.00,old
"Participant 99","Eve",eve@example.org,"No submission",,10.00,
"""


def test_moodle() -> None:
    """The participant's number is that of what was handed in."""
    filled = moodle(MOODLE, [ADA, BOB, EVE], Rules())
    rows = _rows(filled.text)
    assert filled.without_row == ["eve"]
    assert [row[4] for row in rows] == ["Grade", "10.00", "7.00", ""]
    assert rows[1][6] == "Full marks."
    assert rows[2][6] == "It waits: zombie-left"
    assert rows[3][6] == ""


def test_worksheets_that_do_not_fit() -> None:
    """Of several exercises, with another maximum, or of something else."""
    with pytest.raises(UsageError, match="name its exercise with --exercise"):
        moodle(MOODLE, [BOB, _result("1", "exercise2", 1)], Rules())
    with pytest.raises(UsageError, match=r"--weight NAME=10\.00"):
        moodle(MOODLE, [ADA], Rules({"exercise1": Decimal(4)}))
    with pytest.raises(UsageError, match="no column 'Grade'"):
        moodle("Identifier\n", [ADA], Rules())


def test_gradebooks_as_others_write_them() -> None:
    """Semicolons, their line ends, and lines with nothing in them."""
    text = "ID;exercise1\r\n\r\n4711;\r\n"
    assert canvas(text, [ADA], Rules()).text == "ID;exercise1\r\n\r\n4711;10.00\r\n"
    assert moodle("Identifier,Grade\n\n4711,\n", [ADA], Rules()).without_row == []


ACTS = st.text(st.sampled_from("=+-@\uff1d\t\r\n ;,'\"1a\u200b\ufeff\x00"))


@given(st.one_of(st.text(), ACTS))
def test_no_cell_is_a_formula(cell: str) -> None:
    """Unless it is a number; and each is a cell of its own for every spreadsheet."""
    shown = defused(cell)
    begins = unicodedata.normalize("NFKC", shown).lstrip()[:1]
    assert begins not in ("=", "@")
    if begins in ("+", "-"):
        assert re.fullmatch(r"\s*[+-]\d+([.,]\d+)?%?\s*", shown)
    book = plain([replace(ADA, name=cell)], Rules())
    assert _rows(book)[1][1] == shown
    assert all(line.startswith('"') for line in book.splitlines() if "4711" in line)
