"""Gradebooks: what is known goes in, what was there stays, and nothing runs."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.course.class_list import (
    ClassList,
    GradedExercise,
    Student,
    Unreadable,
    save_class,
)
from grader.course.gradebook import Book, Rules, canvas, defused, moodle, plain
from grader.course.results import Result, Results
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
    assert _rows(plain(Book([BOB, BOB_2, ADA]), rules)) == [
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
    filled = canvas(CANVAS, Book([ADA, BOB, BOB_2, EVE]), Rules())
    rows = _rows(filled.text.removeprefix("\ufeff"))
    assert filled.without_row == ["eve"]
    assert filled.text.startswith("\ufeff")
    assert rows[0] == next(csv.reader(io.StringIO(CANVAS.removeprefix("\ufeff"))))
    assert rows[1] == ["    Points Possible", "", "", "", "10", "10", "10"]
    assert rows[2] == ["Lovelace, Ada", "4711", "4712", "One", "10.00", "9", ""]
    assert rows[3] == ["Jones, Bob", "4712", "bob", "@home", "7.00", "9", "5.00"]
    assert rows[4] == ["Nobody, Eve", "816", "eve", "- absent", "1", "9", "2"]


MOODLE = """\
Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Feedback comments"
"Participant 4711","Ada Lovelace",ada@example.org,"Submitted",,10.00,
"Participant 4712","Bob Jones",bob@example.org,"Submitted",,10.00,old
"Participant 99","Eve",eve@example.org,"No submission",,10.00,
"""

GERMAN = """\
ID;"Vollständiger Name";E-Mail-Adresse;Status;Bewertung;Bestwertung;\
"Bewertung kann geändert werden";"Zuletzt geändert (Abgabe)";"Feedback als Kommentar"
"Teilnehmer/in 4711";"Ada Lovelace";ada@example.org;x;;10,00;Ja;-;
"Teilnehmer/in 4712";"Bob Jones";bob@example.org;x;-;10,00;Ja;-;
"Teilnehmer/in 4713";Dan;DAN@example.org;x;-;10,00;Ja;-;
"Teilnehmer/in 4714";Eve;eve@example.org;x;-;10,00;Ja;-;
"""


@pytest.mark.parametrize(
    ("exported", "message"),
    [
        ("", "is empty"),
        (
            "Name,Points\n",
            "no column 'ID', but 'Name', 'Points'; export it with Grades",
        ),
        (MOODLE, "this is not Canvas's gradebook, but has 'Identifier', .*--moodle"),
        (GERMAN, "this is not Canvas's gradebook, but has 'ID', .* with --moodle"),
        (
            "Student,ID\nAda,4711\n",
            "begins with 'exercise1', but 'Student', 'ID'; name .* with --exercise",
        ),
        ("ID,exercise1 (1),exercise1 (2)\n", "several columns"),
        ("ID,exercise1\nPoints Possible,5\n", "--weight exercise1=5"),
    ],
)
def test_what_is_no_export_of_canvas(exported: str, message: str) -> None:
    """One sentence that says what to do."""
    with pytest.raises(UsageError, match=message):
        canvas(exported, Book([ADA]), Rules())


def test_moodle() -> None:
    """The participant's number is that of what was handed in."""
    filled = moodle(MOODLE, Book([ADA, BOB, EVE]), Rules())
    rows = _rows(filled.text)
    assert filled.without_row == ["eve"]
    assert [row[4] for row in rows] == ["Grade", "10.00", "7.00", ""]
    assert rows[1][6] == "Full marks."
    assert rows[2][6] == "Not passed: It waits (zombie-left)"
    assert rows[3][6] == ""


def test_worksheets_that_do_not_fit() -> None:
    """Of several exercises, with another maximum, or of something else."""
    with pytest.raises(UsageError, match="name its exercise with --exercise"):
        moodle(MOODLE, Book([BOB, _result("1", "exercise2", 1)]), Rules())
    with pytest.raises(UsageError, match=r"--weight exercise1=10\.00"):
        moodle(MOODLE, Book([ADA]), Rules({"exercise1": Decimal(4)}))
    with pytest.raises(UsageError, match="no column 'Grade' or 'Bewertung', but"):
        moodle("Identifier\n", Book([ADA]), Rules())
    with pytest.raises(UsageError, match="give Canvas's export with --canvas"):
        moodle(CANVAS, Book([ADA]), Rules())


def test_gradebooks_as_others_write_them() -> None:
    """Semicolons, their line ends, and lines with nothing in them."""
    text = "ID;exercise1\r\n\r\n4711;\r\n"
    assert (
        canvas(text, Book([ADA]), Rules()).text == "ID;exercise1\r\n\r\n4711;10.00\r\n"
    )
    assert moodle("Identifier,Grade\n\n4711,\n", Book([ADA]), Rules()).without_row == []


def test_what_spreadsheets_declare_stays() -> None:
    """Excel's first line says what separates the cells."""
    for first in ("sep=;", '"sep=;"', "SEP=;"):
        text = f"\ufeff{first}\r\nID;exercise1, the first\r\n4711;\r\n"
        filled = canvas(text, Book([ADA]), Rules()).text
        assert filled == text.replace("4711;", "4711;10.00")


NOBODY = Student("dan", "Dan", "dan@example.org", "", True, {"SIS Login ID": "dan"})
CLASS = [Student("4711", "Ada Lovelace"), Student("4712"), NOBODY]


def test_who_handed_in_nothing_is_there() -> None:
    """In one's own with empty cells; nothing is said of what waits for a verdict."""
    book = Book([BOB, BOB_2], CLASS, {("4711", "exercise1")})
    assert _rows(plain(book, Rules()))[1:] == [
        ["4711", "Ada Lovelace", "", "", "", "0.00"],
        ["4712", "'=HYPERLINK()", "", "7.00", "5.00", "12.00"],
        ["dan", "Dan", "dan@example.org", "", "", "0.00"],
    ]
    assert book.missing == {
        ("4711", "exercise2"),
        ("dan", "exercise1"),
        ("dan", "exercise2"),
    }


def test_canvas_of_who_handed_in_nothing() -> None:
    """0 where nothing stands yet; nothing where a verdict is still to come."""
    exported = CANVAS + '"Dan",900,dan,One,EX,9,\n"Eve",901,x,One,,9,\n'
    book = Book([ADA, BOB, BOB_2], CLASS, {("4711", "exercise2")})
    rows = _rows(canvas(exported, book, Rules()).text)
    assert rows[2][4:] == ["10.00", "9", ""]
    assert rows[5][4:] == ["EX", "9", "0.00"]
    assert rows[6][4:] == ["", "9", ""]


def test_moodle_in_german() -> None:
    """Its columns have other names; who handed in nothing is known by the address."""
    filled = moodle(GERMAN, Book([ADA, BOB], CLASS), Rules(late=Decimal(50)))
    rows = list(csv.reader(io.StringIO(filled.text), delimiter=";"))[1:]
    assert [row[4] for row in rows] == ["10.00", "3.50", "0.00", "-"]
    assert [row[8] for row in rows] == [
        "Full marks.",
        "Not passed: It waits (zombie-left)\nLate: 50 % less.",
        "Nothing was handed in.",
        "",
    ]
    waiting = Book([ADA, BOB], CLASS, {("4713", "exercise1")})
    filled = moodle(GERMAN, waiting, Rules())
    assert "Nothing was handed in." not in filled.text


def test_what_cannot_be_loaded_is_said() -> None:
    """Of checks that never ran nothing else could be told."""
    broken = Finding("cannot-load", "=SyntaxError in line 1")
    verdict = replace(ADA.verdict, findings=(broken,))
    told = moodle(MOODLE, Book([replace(ADA, verdict=verdict)]), Rules()).text
    assert _rows(told)[1][6] == "cannot-load: =SyntaxError in line 1"


def test_full_marks_that_came_late() -> None:
    """What is less than full marks is not called so."""
    late = replace(_result("4711", "exercise1", 10), late=True)
    passed = (replace(late.verdict.checks[0], points=10),)
    late = replace(late, verdict=replace(late.verdict, checks=passed))
    told = moodle(MOODLE, Book([late]), Rules(late=Decimal("12.5"))).text
    assert "All checks passed; late: 12.5 % less." in told
    assert "Full marks." in moodle(MOODLE, Book([late]), Rules()).text


def test_without_a_roster_nobody_is_known_to_be_missing(tmp_path: Path) -> None:
    """How many rows got no 0 for that is told; Canvas's own are about nobody."""
    text = CANVAS + '"Student, Test",902,x,One,,9,\n"Dan",903,dan,One,,9,\n,,\n'
    book = Book([ADA, BOB, BOB_2], [Student("4711"), Student("4712")])
    filled = canvas(text, book, Rules())
    assert filled.unknown == 1
    assert _rows(filled.text)[6][4:] == ["", "9", ""]
    assert canvas(text, Book([ADA, BOB, BOB_2], CLASS), Rules()).unknown == 0
    filled = moodle(MOODLE, Book([ADA, BOB], [Student("4711")]), Rules())
    assert filled.unknown == 1
    assert moodle(MOODLE, Book([ADA, BOB], CLASS), Rules()).unknown == 0
    results = Results(tmp_path / "results")
    results.make()
    results.save(ADA)
    (tmp_path / "sheet.csv").write_text(MOODLE)
    done = _gradebook(tmp_path, "--moodle", "sheet.csv")
    assert done.returncode == 0
    assert "grade: 2 rows of whom nothing was handed in got no 0: " in done.stderr


def _course(folder: Path) -> Results:
    results = Results(folder / "results")
    results.make()
    for result in (ADA, BOB, BOB_2):
        results.save(result)
    known = ClassList(tuple(CLASS), (), ())
    save_class(results.folder, known)
    return results


def _gradebook(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", "gradebook", "results", *options]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_command(tmp_path: Path) -> None:
    """It tells in one line how many were late and how many are missing."""
    _course(tmp_path)
    done = _gradebook(tmp_path, "--late", "25")
    assert done.returncode == 0
    assert done.stderr == (
        "grade: 3 students, 2 exercises; 1 late (loses 25 %); 3 not handed in\n"
    )
    assert '"dan","Dan","dan@example.org","","","0.00"' in done.stdout
    (tmp_path / "export.csv").write_text("ID,exercise1\n4711,\n")
    chosen = ["--exercise", "exercise1", "--canvas", "export.csv"]
    done = _gradebook(tmp_path, *chosen, "-o", "filled.csv")
    assert done.returncode == 0
    assert (tmp_path / "filled.csv").read_text() == "ID,exercise1\n4711,10.00\n"
    first, last = done.stderr.splitlines()
    assert "1 student has no row there" in first and "4712" in first
    (tmp_path / "results" / "class.json").unlink()
    done = _gradebook(tmp_path, "--exercise", "exercise2")
    assert (done.returncode, done.stderr) == (0, "")
    assert last == (
        "grade: 3 students, 1 exercise; 1 late (loses nothing, see --late); "
        "1 not handed in"
    )


def test_a_verdict_that_cannot_be_read(tmp_path: Path) -> None:
    """It is told, it is no missing work, and all else is written."""
    results = _course(tmp_path)
    (results.folder / "verdicts" / "4712" / "exercise1.json").write_text("{")
    done = _gradebook(tmp_path)
    assert done.returncode == 3
    assert '"4711","Ada Lovelace","","10.00"' in done.stdout
    first, last = done.stderr.splitlines()
    assert "no verdict can be read from verdicts/4712/exercise1.json" in first
    assert "`grade course` grades again" in first
    assert "3 not handed in; 1 handed in and without a grade" in last
    results.save(BOB)
    failed = results.folder / "failed" / "4712" / "exercise1.json"
    failed.parent.mkdir()
    failed.write_text("{")
    assert _gradebook(tmp_path).returncode == 0
    failed.unlink()
    (results.folder / "verdicts" / "4712" / "exercise1.json").unlink()
    for result in (ADA, BOB_2):
        results.folder.joinpath(
            "verdicts", result.student, f"{result.verdict.exercise}.json"
        ).write_text("")
    done = _gradebook(tmp_path)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


def test_one_exercise_is_about_nothing_else(tmp_path: Path) -> None:
    """Documents and damage of other exercises, and what counts as handed in there."""
    results = _course(tmp_path)
    exercises = tuple(
        GradedExercise(e, e, ()) for e in ("exercise1", "exercise2", "exercise3")
    )
    unreadable = (
        Unreadable("eve", "exercise2", "eve.docx", "is no .py file"),
        Unreadable("4711", "", "ada.docx", "is no .py file"),
    )
    save_class(results.folder, ClassList(tuple(CLASS), exercises, unreadable))
    (results.folder / "verdicts" / "4712" / "exercise3.json").write_text("{")
    done = _gradebook(tmp_path, "--exercise", "exercise1")
    assert (done.returncode, "exercise3.json" in done.stderr) == (0, False)
    assert '"eve"' not in done.stdout
    (tmp_path / "sheet.csv").write_text("Identifier,Grade\nParticipant 4711,\n")
    chosen = ["--exercise", "exercise2", "--moodle", "sheet.csv"]
    done = _gradebook(tmp_path, *chosen)
    assert done.stdout.splitlines()[1] == "Participant 4711,0.00"
    assert done.returncode == 0


def test_who_is_not_in_the_roster_and_has_no_verdict(tmp_path: Path) -> None:
    """Has a row with the name that the platform tells, and is counted."""
    results = _course(tmp_path)
    stranger = Student("4720", "Łukasz Ñandú", enrolled=False)
    document = Unreadable("4720", "exercise1", "l.docx", "is no .py file")
    exercises = (GradedExercise("exercise1", "Fork", ()),)
    known = ClassList((*CLASS, stranger), exercises, (document,))
    save_class(results.folder, known)
    done = _gradebook(tmp_path)
    assert '"4720","Łukasz Ñandú","","","","0.00"' in done.stdout
    assert done.stderr.startswith("grade: 4 students, 2 exercises; ")


def test_plain_with_addresses() -> None:
    """Where the roster has any: Moodle's gradebook import finds people by them."""
    roster = [
        Student("4711", "Ada Lovelace", "ada@example.org", enrolled=True),
        Student("dan", "Dan", "=dan@example.org", enrolled=True),
    ]
    assert _rows(plain(Book([ADA, BOB], roster), Rules())) == [
        ["student", "name", "email", "exercise1", "sum"],
        ["4711", "Ada Lovelace", "ada@example.org", "10.00", "10.00"],
        ["4712", "'=HYPERLINK()", "", "7.00", "7.00"],
        ["dan", "Dan", "'=dan@example.org", "", "0.00"],
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_an_export_that_a_spreadsheet_saved(tmp_path: Path, encoding: str) -> None:
    """UTF-16 as in rosters; filled in it is UTF-8, with the mark that Excel needs."""
    _course(tmp_path)
    (tmp_path / "export.csv").write_text("ID\tName\texercise2\n4712\tÅ\t\n", encoding)
    chosen = ["--exercise", "exercise2", "--canvas", "export.csv", "-o", "filled.csv"]
    assert _gradebook(tmp_path, *chosen).returncode == 0
    assert (tmp_path / "filled.csv").read_text() == (
        "\ufeffID\tName\texercise2\n4712\tÅ\t5.00\n"
    )


def test_what_is_printed_is_utf_8(tmp_path: Path) -> None:
    """Also where the terminal is not: it goes into a file."""
    results = _course(tmp_path)
    results.save(replace(ADA, student="jürgen"))
    command = [sys.executable, "-m", "grader", "gradebook", "results"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert '"jürgen"'.encode() in done.stdout


def test_results_are_not_written_over(tmp_path: Path) -> None:
    """Whatever way leads into them."""
    results = _course(tmp_path)
    inside = results.folder / "verdicts" / "4711" / "exercise1.json"
    before = inside.read_bytes()
    (tmp_path / "link").symlink_to(results.folder)
    for path in (inside, "results/book.csv", "link/class.json"):
        done = _gradebook(tmp_path, "-o", str(path))
        assert done.returncode == 2
        assert "name a place outside results" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert inside.read_bytes() == before
    assert not (results.folder / "book.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--late", "101"], "--late: '101' is not a number from 0 to 100"),
        (["--weight", "5"], "'5' is not like exercise2=5"),
        (["--weight", "exercise1=-1"], "'exercise1=-1' is not like exercise2=5"),
        (["--weight", "exercise99=1"], "there is no exercise 'exercise99'"),
        (
            ["--exercise", "exercise4"],
            "no verdicts of exercise4 in results; there are some of exercise1",
        ),
        (["--moodle", "latin.csv"], "text in line 2; save it as CSV UTF-8"),
    ],
)
def test_wrong_usage(tmp_path: Path, options: list[str], message: str) -> None:
    """One sentence that says what to do."""
    _course(tmp_path)
    (tmp_path / "latin.csv").write_bytes(b"ID\nM\xfcller\n")
    done = _gradebook(tmp_path, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


ACTS = st.text(st.sampled_from("=+-@\uff1d\t\r\n ;,'\"1a\u200b\ufeff\x00"))


@given(st.one_of(st.text(), ACTS))
def test_no_cell_is_a_formula(cell: str) -> None:
    """Unless it is a number; and each is a cell of its own for every spreadsheet."""
    shown = defused(cell)
    begins = unicodedata.normalize("NFKC", shown).lstrip()[:1]
    assert begins not in ("=", "@")
    if begins in ("+", "-"):
        assert re.fullmatch(r"\s*[+-]\d+([.,]\d+)?%?\s*", shown)
    book = plain(Book([replace(ADA, name=cell)]), Rules())
    assert _rows(book)[1][1] == shown
    assert all(line.startswith('"') for line in book.splitlines() if "4711" in line)
