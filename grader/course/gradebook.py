"""Results as gradebooks: CSV of one's own, Canvas's export filled in, Moodle's.

What an exercise gives is its part of the points times its weight, less what late work
loses, rounded half up to two decimals. A sum adds the rounded numbers, so that it is
the sum of what is shown.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from grader.course.results import Result
from grader.errors import UsageError
from grader.report.text import visible

_CENT = Decimal("0.01")

# What the names of Canvas's columns begin with that say who a row is about.
_CANVAS_IDS = ("ID", "SIS User ID", "SIS Login ID")

_MOODLE_ID = "Identifier"
_MOODLE_GRADE = "Grade"
_MOODLE_MOST = "Maximum Grade"
_MOODLE_FEEDBACK = "Feedback comments"


@dataclass(frozen=True, slots=True)
class Rules:
    """How scores become grades.

    `weights` are what full marks give, by exercise; an exercise without one gives its
    points. `late` is the percentage that late work loses.
    """

    weights: Mapping[str, Decimal] = field(default_factory=dict)
    late: Decimal = Decimal(0)

    def most(self, result: Result) -> Decimal:
        """What full marks give for the exercise of a result."""
        points = Decimal(result.verdict.max_score)
        return self.weights.get(result.verdict.exercise, points)

    def grade(self, result: Result) -> Decimal:
        """What a result gives."""
        points = Decimal(result.verdict.max_score)
        part = Decimal(result.verdict.score) / points if points else Decimal(0)
        kept = 1 - self.late / 100 if result.late else Decimal(1)
        return (part * self.most(result) * kept).quantize(_CENT, ROUND_HALF_UP)


def plain(results: Iterable[Result], rules: Rules) -> str:
    """A row a student, a column an exercise, and the sum; empty: not handed in."""
    by_student: dict[str, dict[str, Result]] = {}
    for result in results:
        by_student.setdefault(result.student, {})[result.verdict.exercise] = result
    exercises = sorted({name for those in by_student.values() for name in those})
    rows = [["student", "name", *exercises, "sum"]]
    for student, those in sorted(by_student.items()):
        grades = {name: rules.grade(result) for name, result in those.items()}
        name = next((result.name for result in those.values() if result.name), "")
        cells = [str(grades.get(exercise, "")) for exercise in exercises]
        rows.append([student, name, *cells, str(sum(grades.values(), Decimal(0)))])
    return _written(rows)


@dataclass(frozen=True, slots=True)
class Filled:
    """A gradebook that was filled in, and the students who have no row in it."""

    text: str
    without_row: list[str]


def canvas(exported: str, results: Iterable[Result], rules: Rules) -> Filled:
    """Canvas's exported gradebook with the grades in it; all else stays as it is.

    An assignment's column is one whose name begins with the exercise's. Students are
    known by that one of Canvas's numbers that most of them have. Raises `UsageError`
    where the file is no such export, or has no such column, or other points.
    """
    table = _Table(exported)
    known = {(r.student, r.verdict.exercise): r for r in results}
    students = {student for student, _ in known}
    identity = _identity(table, students)
    columns = {
        exercise: _column(table.head, exercise)
        for exercise in sorted({exercise for _, exercise in known})
    }
    most = {exercise: rules.most(result) for (_, exercise), result in known.items()}
    for row in table.rows:
        if row and row[0].strip() == "Points Possible":
            for exercise, column in columns.items():
                _agree(row[column] if column < len(row) else "", most[exercise])
            continue
        who = row[identity].strip() if identity < len(row) else ""
        students.discard(who)
        for exercise, column in columns.items():
            found = known.get((who, exercise))
            if found is not None:
                row += [""] * (column + 1 - len(row))
                row[column] = str(rules.grade(found))
    return Filled(table.written(), sorted(students))


def _identity(table: _Table, students: set[str]) -> int:
    """The column that says who a row is about."""
    columns = [n for n, name in enumerate(table.head) if name.strip() in _CANVAS_IDS]
    if not columns:
        raise UsageError(
            "this is not Canvas's gradebook: it has no column 'ID'; export it with "
            "Grades, Export, Export Entire Gradebook"
        )
    return max(
        columns,
        key=lambda n: sum(n < len(row) and row[n] in students for row in table.rows),
    )


def _column(head: Sequence[str], exercise: str) -> int:
    form = re.compile(rf"{re.escape(exercise)}(?!\w)", re.IGNORECASE)
    found = [place for place, name in enumerate(head) if form.match(name.strip())]
    if len(found) != 1:
        many = "several columns" if found else "no column"
        raise UsageError(
            f"the gradebook has {many} whose name begins with {exercise!r}; name the "
            "assignment after the exercise"
        )
    return found[0]


def moodle(worksheet: str, results: Iterable[Result], rules: Rules) -> Filled:
    """Moodle's offline grading worksheet of one assignment, filled in.

    A student's number in it is that of the folders in which Moodle exports what was
    handed in. Raises `UsageError` where it is no such worksheet, its highest grade is
    another than the exercise's, or the results are of several exercises.
    """
    known = {result.student: result for result in results}
    exercises = {result.verdict.exercise for result in known.values()}
    if len(exercises) > 1:
        raise UsageError(
            "a worksheet is of one assignment; name its exercise with --exercise"
        )
    table = _Table(worksheet)
    cells = {name.strip(): place for place, name in enumerate(table.head)}
    missing = {_MOODLE_ID, _MOODLE_GRADE} - set(cells)
    if missing:
        raise UsageError(
            f"this is not Moodle's worksheet: it has no column {min(missing)!r}; "
            "download it with View all submissions, Download grading worksheet"
        )
    students = set(known)
    for row in table.rows:
        if len(row) < len(table.head):
            continue
        number = re.search(r"\d+", row[cells[_MOODLE_ID]])
        result = known.get(number[0]) if number else None
        if result is None:
            continue
        students.discard(result.student)
        if _MOODLE_MOST in cells:
            _agree(row[cells[_MOODLE_MOST]], rules.most(result))
        row[cells[_MOODLE_GRADE]] = str(rules.grade(result))
        if _MOODLE_FEEDBACK in cells:
            row[cells[_MOODLE_FEEDBACK]] = defused(_feedback(result))
    return Filled(table.written(), sorted(students))


def _agree(maximum: str, most: Decimal) -> None:
    try:
        same = Decimal(maximum.strip().replace(",", ".")) == most
    except ArithmeticError:
        same = True  # not a number: the assignment has a scale, or none
    if not same:
        raise UsageError(
            f"full marks are {maximum.strip()} there, and {most} here; give the "
            f"exercise that weight: --weight NAME={maximum.strip()}"
        )


def _feedback(result: Result) -> str:
    """What did not pass, in one line a check."""
    lines = [
        f"{check.title}: {', '.join(f.id for f in check.findings) or check.outcome}"
        for check in result.verdict.checks
        if check.earned < check.points
    ]
    return "\n".join(lines) or "Full marks."


class _Table:
    """A CSV file of somebody else's: written as it was read, but for what changed."""

    def __init__(self, text: str) -> None:
        """Raises `UsageError` where it is none."""
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        text = text.removeprefix("\ufeff")
        first = text.partition("\n")[0]
        self._delimiter = ";" if first.count(";") > first.count(",") else ","
        self._end = "\r\n" if "\r\n" in text else "\n"
        try:
            lines = list(csv.reader(io.StringIO(text), delimiter=self._delimiter))
        except csv.Error as error:
            raise UsageError(f"the gradebook is no CSV file: {error}") from error
        if not lines:
            raise UsageError("the gradebook is empty; export it again")
        self.head, *self.rows = lines

    def written(self) -> str:
        file = io.StringIO()
        writer = csv.writer(file, delimiter=self._delimiter, lineterminator=self._end)
        writer.writerows([self.head, *self.rows])
        return self._mark + file.getvalue()


def _written(rows: Iterable[Iterable[str]]) -> str:
    """CSV with each cell quoted, whatever a spreadsheet takes for a separator."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return file.getvalue()


def defused(cell: str) -> str:
    """A cell that a spreadsheet shows and does not run: no formula, but a number."""
    shown = visible(cell)
    plain_form = unicodedata.normalize("NFKC", shown).lstrip()
    if re.fullmatch(r"[+-]?\d+([.,]\d+)?%?", plain_form.rstrip()):
        return shown
    return f"'{shown}" if plain_form[:1] in ("=", "+", "-", "@") else shown
