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
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from grader.course.class_list import Student
from grader.course.results import Result
from grader.course.roster import CANVAS_ITSELF, DECLARED, EMAIL, word
from grader.errors import UsageError
from grader.report.text import counted, some, visible
from grader.verdict import CheckOutcome

_CENT = Decimal("0.01")

# What the names of Canvas's columns begin with that say who a row is about.
_CANVAS_IDS = ("ID", "SIS User ID", "SIS Login ID")

# Moodle's columns, in English and in German.
_MOODLE_ID = ("Identifier", "ID", "ID-Nummer")
_MOODLE_GRADE = ("Grade", "Bewertung")
_MOODLE_MOST = ("Maximum Grade", "Bestwertung", "Maximale Bewertung")
_MOODLE_FEEDBACK = ("Feedback comments", "Feedback als Kommentar")

# What somebody gets who did not hand in.
_NOTHING = "0.00"


# A line must not read as if what it names had been done.
_NOT = {
    CheckOutcome.PASSED: "Not all points",
    CheckOutcome.FAILED: "Not passed",
    CheckOutcome.NOT_RUN: "Not run",
    CheckOutcome.GRADER_ERROR: "Not graded",
}


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


@dataclass(frozen=True, slots=True)
class Book:
    """What gradebooks are made of: results, and who else is in the class.

    `students` are all who are known; `waiting` are the students and exercises that have
    no verdict though something was handed in.
    """

    results: Sequence[Result]
    students: Sequence[Student] = ()
    waiting: Collection[tuple[str, str]] = ()

    @property
    def known(self) -> dict[tuple[str, str], Result]:
        """Results by student and exercise."""
        return {(r.student, r.verdict.exercise): r for r in self.results}

    @property
    def exercises(self) -> list[str]:
        """The exercises that anybody handed in, in the order of their numbers."""
        names = {result.verdict.exercise for result in self.results}
        return sorted(names, key=lambda name: (len(name), name))

    @property
    def expected(self) -> list[Student]:
        """Who is expected to hand in: all but strangers to the roster."""
        return [student for student in self.students if student.enrolled is not False]

    @property
    def has_roster(self) -> bool:
        """Whether it is known who is in the course and handed in nothing."""
        return any(student.enrolled is not None for student in self.students)

    @property
    def names(self) -> dict[str, str]:
        """Who is expected to hand in or did, with a name where one is known."""
        known = {student.student: student.name for student in self.students}
        names = {student.student: student.name for student in self.expected}
        for result in self.results:
            name = known.get(result.student) or names.get(result.student)
            names[result.student] = name or result.name
        for student, _ in self.waiting:
            names.setdefault(student, known.get(student, ""))
        return names

    @property
    def missing(self) -> set[tuple[str, str]]:
        """Who is expected to hand in what, and did not."""
        expected = {(s.student, e) for s in self.expected for e in self.exercises}
        return expected - self.known.keys() - set(self.waiting)

    def summary(self, rules: Rules) -> str:
        """How many were late or are missing, in one line; empty if nobody."""
        late = sum(result.late for result in self.results)
        waiting = [key for key in self.waiting if key[1] in self.exercises]
        if not (late or self.missing or waiting):
            return ""
        less = f"{_short(rules.late)} %" if rules.late else "nothing, see --late"
        size = f"{counted(len(self.names), 'student')}, "
        told = [
            size + counted(len(self.exercises), "exercise"),
            f"{late} late (loses {less})" if late else "none late",
            f"{len(self.missing) or 'none'} not handed in",
        ]
        if waiting:
            told.append(f"{len(waiting)} handed in and without a grade")
        return "; ".join(told)


def _short(number: Decimal) -> str:
    return f"{number.normalize():f}"


def plain(book: Book, rules: Rules) -> str:
    """A row a student, a column an exercise, and the sum; empty: not handed in.

    With e-mail addresses where any is known: Moodle imports grades by them.
    """
    known, exercises = book.known, book.exercises
    emails = {student.student: student.email for student in book.students}
    with_email = any(emails.values())
    rows = [["student", "name", *["email"] * with_email, *exercises, "sum"]]
    for student, name in sorted(book.names.items()):
        grades = {
            exercise: rules.grade(known[student, exercise])
            for exercise in exercises
            if (student, exercise) in known
        }
        cells = [str(grades.get(exercise, "")) for exercise in exercises]
        total = sum(grades.values(), Decimal(0)).quantize(_CENT)
        email = [emails.get(student, "")] * with_email
        rows.append([student, name, *email, *cells, str(total)])
    return _written(rows)


@dataclass(frozen=True, slots=True)
class Filled:
    """A gradebook that was filled in, and the students who have no row in it.

    `unknown`: how many rows got no 0 because, without a roster, nobody knows whether
    they are about somebody who is in the course.
    """

    text: str
    without_row: list[str]
    unknown: int = 0


def canvas(exported: str, book: Book, rules: Rules) -> Filled:
    """Canvas's exported gradebook with the grades in it; all else stays as it is.

    An assignment's column is one whose name begins with the exercise's. Students are
    known by that one of Canvas's numbers that most of them have. Who did not hand in
    gets 0 where the cell is empty. Raises `UsageError` where the file is no such
    export, or has no such column, or other points.
    """
    table = _Table(exported)
    known, missing = book.known, book.missing
    graded = {student for student, _ in known}
    who = _Who(table.head, _identity(table, graded), book)
    columns = {exercise: _column(table.head, exercise) for exercise in book.exercises}
    most = {exercise: rules.most(result) for (_, exercise), result in known.items()}
    unknown = 0
    for row in table.rows:
        if row and row[0].strip() == "Points Possible":
            for exercise, column in columns.items():
                maximum = row[column] if column < len(row) else ""
                _agree(maximum, most[exercise], exercise)
            continue
        student = who.of(row)
        graded.discard(student)
        empty = any(not "".join(row[c : c + 1]).strip() for c in columns.values())
        unknown += empty and not student and _is_of_somebody(row)
        for exercise, column in columns.items():
            found = known.get((student, exercise))
            if found is None and (student, exercise) not in missing:
                continue
            row += [""] * (column + 1 - len(row))
            if found is not None:
                row[column] = str(rules.grade(found))
            elif not row[column].strip():
                row[column] = _NOTHING
    return Filled(table.written(), sorted(graded), 0 if book.has_roster else unknown)


def _is_of_somebody(row: Sequence[str]) -> bool:
    """Whether a row of Canvas's is about a person."""
    return any(row) and row[0].strip().casefold() not in CANVAS_ITSELF


def _identity(table: _Table, students: set[str]) -> int:
    """The column that says who a row is about."""
    names = {word(name) for name in table.head}
    if "student" not in names and names & {*map(word, _MOODLE_GRADE)}:
        raise UsageError(
            f"this is not Canvas's gradebook, but has {_listed(table.head)}; give "
            "Moodle's worksheet with --moodle"
        )
    columns = [n for n, name in enumerate(table.head) if name.strip() in _CANVAS_IDS]
    if not columns:
        raise UsageError(
            f"this is not Canvas's gradebook: it has no column 'ID', but "
            f"{_listed(table.head)}; export it with Grades, Export, Export Entire "
            "Gradebook"
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
            f"the gradebook has {many} whose name begins with {exercise!r}, but "
            f"{_listed(head)}; name the assignment after the exercise, or fill in "
            "others alone with --exercise NAME"
        )
    return found[0]


def _listed(head: Iterable[str]) -> str:
    """The columns that a file has, for a sentence."""
    names = [repr(visible(name.strip())) for name in head if name.strip()]
    return some(names, 12) or "none with a name"


class _Who:
    """Who a row of somebody else's gradebook is about."""

    def __init__(self, head: Sequence[str], identity: int, book: Book) -> None:
        """`identity` is the column that has what forklab knows students as."""
        self._identity = identity
        self._known = {result.student for result in book.results}
        self._known |= {student for student, _ in book.waiting}
        self._all = self._known | {student.student for student in book.expected}
        # Of a roster there may be other columns by which a student can be known.
        self._others: dict[tuple[int, str], str] = {}
        places = {word(name): place for place, name in enumerate(head)}
        mails = [places[name] for name in EMAIL if name in places]
        for student in book.expected:
            for column, called in student.identities.items():
                if word(column) in places:
                    key = places[word(column)], called.casefold()
                    self._others[key] = student.student
            for place in mails if student.email else ():
                self._others[place, student.email.casefold()] = student.student

    def of(self, row: Sequence[str], called: str | None = None) -> str:
        """The student; one who is not in the class if it is about none.

        `called` is what the row calls them, where that is not a cell as it is.
        """
        if called is None:
            cell = row[self._identity] if self._identity < len(row) else ""
            called = cell.strip()
        if called in self._known:
            return called
        for place, cell in enumerate(row):
            found = self._others.get((place, cell.strip().casefold()))
            if found is not None:
                return found
        return called if called in self._all else ""


def moodle(worksheet: str, book: Book, rules: Rules) -> Filled:
    """Moodle's offline grading worksheet of one assignment, filled in.

    A student's number in it is that of the folders in which Moodle exports what was
    handed in. Who did not hand in gets 0 where the cell is empty. Raises `UsageError`
    where it is no such worksheet, its highest grade is another than the exercise's, or
    the results are of several exercises.
    """
    if len(book.exercises) > 1:
        raise UsageError(
            "a worksheet is of one assignment; name its exercise with --exercise, one "
            f"of {some(book.exercises)}"
        )
    table = _Table(worksheet)
    identifier, grade, maximum, feedback = _moodle_columns(table.head)
    known = {result.student: result for result in book.results}
    missing = {student for student, _ in book.missing}
    most = max(map(rules.most, book.results), default=None)
    who = _Who(table.head, identifier, book)
    graded = set(known)
    unknown = 0
    for row in table.rows:
        if len(row) < len(table.head):
            continue
        number = re.search(r"\d+", row[identifier])
        student = who.of(row, number[0] if number else row[identifier].strip())
        result = known.get(student)
        graded.discard(student)
        unknown += not student and not row[grade].strip(" -")
        if result is None and (student not in missing or row[grade].strip(" -")):
            continue
        if maximum is not None and most is not None:
            _agree(row[maximum], most, book.exercises[0])
        row[grade] = _NOTHING if result is None else str(rules.grade(result))
        if feedback is None:
            continue
        if result is not None:
            row[feedback] = defused(_feedback(result, rules))
        elif not row[feedback].strip():
            row[feedback] = "Nothing was handed in."
    return Filled(table.written(), sorted(graded), 0 if book.has_roster else unknown)


def _moodle_columns(
    head: Sequence[str],
) -> tuple[int, int, int | None, int | None]:
    """Where a worksheet has a student's number, the grade, its most, and feedback."""
    places = {word(name): place for place, name in enumerate(head)}
    found = [
        next((places[word(name)] for name in names if word(name) in places), None)
        for names in (_MOODLE_ID, _MOODLE_GRADE, _MOODLE_MOST, _MOODLE_FEEDBACK)
    ]
    identifier, grade, maximum, feedback = found
    if identifier is None or grade is None:
        names = _MOODLE_ID if identifier is None else _MOODLE_GRADE
        canvas = any(name.strip() in _CANVAS_IDS[1:] for name in head)
        hint = "; give Canvas's export with --canvas" if canvas else ""
        raise UsageError(
            f"this is not Moodle's worksheet: it has no column "
            f"{' or '.join(map(repr, names))}, but {_listed(head)}; download it with "
            f"View all submissions, Download grading worksheet{hint}"
        )
    return identifier, grade, maximum, feedback


def _agree(maximum: str, most: Decimal, exercise: str) -> None:
    full = maximum.strip().replace(",", ".")
    try:
        same = Decimal(full) == most
    except ArithmeticError:
        same = True  # not a number: the assignment has a scale, or none
    if not same:
        raise UsageError(
            f"full marks are {full} there, and {most} here; give the "
            f"exercise that weight: --weight {exercise}={full}"
        )


def _feedback(result: Result, rules: Rules) -> str:
    """What is wrong with it all, what did not pass, and what being late costs."""
    lines = [f"{found.id}: {found.message}" for found in result.verdict.findings]
    lines += [
        f"{_NOT[check.outcome]}: {check.title}"
        + (f" ({', '.join(f.id for f in check.findings)})" if check.findings else "")
        for check in result.verdict.checks
        if check.earned < check.points
    ]
    less = f"{_short(rules.late)} % less" if result.late and rules.late else ""
    if not lines:
        return f"All checks passed; late: {less}." if less else "Full marks."
    return "\n".join([*lines, f"Late: {less}."] if less else lines)


class _Table:
    """A CSV file of somebody else's: written as it was read, but for what changed."""

    def __init__(self, text: str) -> None:
        """Raises `UsageError` where it is none."""
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        text = text.removeprefix("\ufeff")
        declared = DECLARED.match(text)
        if declared is not None:
            self._mark += declared[0]
            text = text[declared.end() :]
            self._delimiter = declared["delimiter"]
        else:
            first = text.partition("\n")[0]
            self._delimiter = max(",;\t", key=first.count)
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
