"""Who is in a course: a CSV file -> people, and whose a submission is.

What a platform calls a student is not a name, and each platform exports its list of
people in its own way. So columns are known by their names, whoever wrote the file:

    forklab's own      student, name, email, section
    GitHub Classroom   identifier, github_username, github_id, name
    Canvas             Student, ID, SIS User ID, SIS Login ID, Section
    Moodle             First name, Last name, ID number, Email address, Groups
                       Vorname, Nachname, ID-Nummer, E-Mail-Adresse, Gruppen
    Gradescope         First Name, Last Name, SID, Email, Role
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from grader.course.handed_in import Attempt
from grader.errors import UsageError, with_cure
from grader.report.text import SHOWN, counted, some

# Columns by what they say of a person, most telling first.
EMAIL = (
    "email",
    "email address",
    "e-mail",
    "e-mail address",
    "mail",
    "e-mail-adresse",
)
_IDENTITY = (
    "student",
    "student id",
    "id",
    "sid",
    "identifier",
    "github username",
    "username",
    "user name",
    "login",
    "sis user id",
    "sis login id",
    "id number",
    "id-nummer",
    "anmeldename",
    "benutzername",
    "matrikelnummer",
    *EMAIL,
)
_NAME = ("name", "full name", "student name", "vollständiger name")
_FIRST = ("first name", "given name", "firstname", "vorname")
_LAST = ("last name", "surname", "family name", "lastname", "nachname")
_SECTION = (
    "section",
    "sections",
    "group",
    "groups",
    "section name",
    "gruppe",
    "gruppen",
)
_ROLE = ("role", "roles", "rolle", "rollen")
_STUDENT_ROLES = ("student", "teilnehmer")
# How a spreadsheet's text begins, before it is UTF-8 or UTF-16.
_MARK = "\ufeff"
# What Moodle puts before a number, in English and in German.
_PARTICIPANT = re.compile(r"^(Participant|Teilnehmer(/?in|[*:_]in)?) ?(?=\d+$)")

_CANVAS_HEAD = {"student", "id", "section"}
# Excel's own first line: what separates cells.
DECLARED = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[;,\t]*\r?\n', re.IGNORECASE)

# Rows of Canvas's that are about nobody: its preview of what students see is one.
CANVAS_ITSELF = ("points possible", "student, test", "test student")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the course.

    `identities` are what platforms may call them, by column.
    """

    identities: Mapping[str, str]
    name: str = ""
    email: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class Matched:
    """Who is who.

    `people` are all of the roster by what forklab knows them as; `strangers` are
    students whom it does not have.
    """

    people: Mapping[str, Person]
    strangers: list[str]

    def named(self, attempts: Iterable[Attempt]) -> list[Attempt]:
        """The attempts, with the names that the roster has."""
        return [
            replace(attempt, name=self.people[attempt.student].name or attempt.name)
            if attempt.student in self.people
            else attempt
            for attempt in attempts
        ]

    def told(self) -> str:
        """A sentence on the strangers, with who may be meant; empty without any."""
        if not self.strangers:
            return ""
        found = self.strangers[:]
        found[:SHOWN] = [_with_near(name, self.people) for name in found[:SHOWN]]
        subject = counted(len(found), "student")
        verb = "is" if len(found) == 1 else "are"
        return (
            f"{subject} {verb} not in the roster: {some(found)}; what they handed in "
            "is graded all the same: write them into the roster, or put right there "
            "what they are called"
        )


def _with_near(stranger: str, people: Mapping[str, Person]) -> str:
    """A stranger, with somebody of the roster who is called nearly so."""
    called = {
        _folded(name): name
        for person in people.values()
        for name in (*person.identities.values(), person.name)
        if name
    }
    # Of two numbers that differ in a digit neither is meant by the other.
    is_word = any(character.isalpha() for character in stranger)
    near = get_close_matches(_folded(stranger), called, 1, 0.8) if is_word else []
    return f"{stranger} ({called[near[0]]}?)" if near else stranger


@dataclass(frozen=True, slots=True)
class Roster:
    """All people of a course."""

    people: Sequence[Person] = field(default=())

    def match(self, students: Mapping[str, str]) -> Matched:
        """Say who these students are, each with a name if their platform tells one.

        A student is whom a column of identities calls so. Where two columns call two
        people so, the one counts in which more students are found. Whom no column has
        is known by what differs from one in case alone, or by a full name, if nobody
        else is called so.
        """
        found: dict[str, Person] = {}
        left = dict(enumerate(self.people))
        ways = (*self._columns(students), self._nearly(students), self._names(students))
        for known in ways:
            for student in students:
                number = known.get(student)
                if student not in found and number in left:
                    found[student] = left.pop(number)
        strangers = [student for student in sorted(students) if student not in found]
        for person in left.values():
            found[_unused(person, {*found, *strangers})] = person
        return Matched(found, strangers)

    def _columns(self, students: Iterable[str]) -> list[dict[str, int]]:
        """Who is called what, a column each: first the one that calls most so."""
        columns: dict[str, dict[str, int]] = {}
        for number, person in enumerate(self.people):
            for column, identity in person.identities.items():
                columns.setdefault(column, {})[identity] = number
        wanted = set(students)
        return sorted(columns.values(), key=lambda column: -len(wanted & set(column)))

    def _nearly(self, students: Iterable[str]) -> dict[str, int]:
        """Students who are called as one person is, but for what gets lost.

        Case, spaces, and zeros that a spreadsheet takes from the front of a number; of
        numbers those that are most students' count, since others are of another kind.
        """
        themselves = {student: student for student in students}
        columns = {column for person in self.people for column in person.identities}
        most: tuple[int, dict[str, int]] = 0, {}
        for column in sorted(columns):
            theirs = [person.identities.get(column, "") for person in self.people]
            fits = _only(themselves, [{name} for name in theirs])
            exact = len(themselves.keys() & {*theirs})
            most = max(most, (exact, fits), key=lambda found: (found[0], len(found[1])))
        called = [{*person.identities.values()} for person in self.people]
        return {
            student: number
            for student, number in _only(themselves, called).items()
            if not student.isdecimal() or most[1].get(student) == number
        }

    def _names(self, students: Mapping[str, str]) -> dict[str, int]:
        """Students who have a person's name, as their platform or folder tells it."""
        names = {student: name or student for student, name in students.items()}
        return _only(names, [{person.name} for person in self.people])


def _only(
    students: Mapping[str, str], called: Sequence[Collection[str]]
) -> dict[str, int]:
    """The number of whoever is called as a student is, where nobody else is."""
    theirs = Counter(map(_plain, students.values()))
    ours: dict[str, set[int]] = {}
    for number, names in enumerate(called):
        for name in filter(None, names):
            ours.setdefault(_plain(name), set()).add(number)
    found = {s: ours.get(_plain(name), set()) for s, name in students.items()}
    return {
        student: min(numbers)
        for student, numbers in found.items()
        if len(numbers) == 1 and theirs[_plain(students[student])] == 1
    }


def _unused(person: Person, taken: Collection[str]) -> str:
    """What to call somebody of whom nothing is there: not as another is called."""
    called = [*person.identities.values()]
    called.append(f"{called[0]} ({' '.join(person.identities)})")
    return next((name for name in called if name not in taken), called[-1])


def _plain(name: str) -> str:
    folded = _folded(name)
    return folded.lstrip("0") or folded if folded.isdecimal() else folded


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def read_roster(path: Path) -> Roster:
    """Read a list of people.

    Raises `UsageError` where it is none, or calls two people the same.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {with_cure(error)}") from error
    try:
        return _roster(_lines(data))
    except UsageError as error:
        raise UsageError(f"the roster {path} {error}") from error


def _lines(data: bytes) -> list[tuple[int, list[str]]]:
    """The rows that hold something, each with the number of its last line."""
    text = decoded(data).removeprefix(_MARK)
    declared = DECLARED.match(text)
    start = declared.end() if declared else 0
    delimiter = declared["delimiter"] if declared else _delimiter(text)
    reader = csv.reader(io.StringIO(text[start:]), delimiter=delimiter, strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise UsageError(
            f"is no CSV file: line {reader.line_num}: {error}; export it again"
        ) from error
    skipped = 1 if declared else 0
    return [(number + skipped, row) for number, row in rows if any(row)]


def decoded(data: bytes) -> str:
    """The text of a CSV file that is UTF-8 or UTF-16, with its mark if it has one.

    Raises `UsageError` where it is neither; the message goes on from the file's name.
    """
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    is_wide = data.startswith(marks)
    try:
        text = _MARK + data.decode("utf-16") if is_wide else data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"is neither UTF-8 nor UTF-16 text in line {line}; save it as CSV UTF-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UsageError(f"holds NUL characters in line {line}; save it as CSV UTF-8")
    return text


def _delimiter(text: str) -> str:
    first = text.lstrip().partition("\n")[0]
    return max(",;\t", key=first.count)


def _roster(rows: Sequence[tuple[int, list[str]]]) -> Roster:
    if not rows:
        raise UsageError("is empty; its first line names the columns")
    head = _Head(*rows[0])
    people: list[Person] = []
    seen: dict[tuple[str, str], int] = {}
    nameless: list[str] = []
    for number, row in rows[1:]:
        person = head.person(row)
        if person is None:
            continue
        if not person.identities:
            nameless.append(str(number))
            continue
        for where in person.identities.items():
            before = seen.setdefault(where, number)
            if before != number:
                raise UsageError(
                    f"has {where[1]!r} as {where[0]!r} in line {before} and in line "
                    f"{number}; leave one of them out"
                )
        people.append(person)
    if nameless:
        columns = " or ".join(map(repr, head.identities))
        lines = f"line{'s' if len(nameless) > 1 else ''} {some(nameless)}"
        raise UsageError(
            f"has nothing as {columns} in {lines}; fill that in, or leave the "
            f"{'lines' if len(nameless) > 1 else 'line'} out"
        )
    if not people:
        raise UsageError("has no student in it, only the names of its columns")
    return Roster(people)


class _Head:
    """The first line of a roster: what its columns say of a person."""

    def __init__(self, line: int, names: Sequence[str]) -> None:
        """Raises `UsageError` where no column identifies anybody, or two are one."""
        words = [word(name) for name in names]
        used = {*_IDENTITY, *_NAME, *_FIRST, *_LAST, *_SECTION, *_ROLE}
        twice = next((w for w in words if w in used and words.count(w) > 1), None)
        if twice is not None:
            raise UsageError(
                f"has several columns {twice!r} in line {line}; leave one, and call "
                "the others something else"
            )
        self._is_canvas = set(words) >= _CANVAS_HEAD
        full = ("student", *_NAME) if self._is_canvas else _NAME
        taken = {"student"} if self._is_canvas else set()
        columns = {word: place for place, word in reversed([*enumerate(words)])}
        self._identities = {
            names[columns[word]]: columns[word]
            for word in _IDENTITY
            if word in columns and word not in taken
        }
        if not self._identities:
            raise UsageError(
                "has no column that identifies a student, but "
                f"{some([repr(name) for name in names if name])} in line {line}; call "
                "the one that does 'student' there"
            )
        # What a teacher calls somebody, beside what GitHub does.
        is_classrooms = "github username" in columns
        self._called = columns.get("identifier") if is_classrooms else None
        self._name, self._first, self._last, self._email, self._section, self._role = (
            next((columns[word] for word in kind if word in columns), None)
            for kind in (full, _FIRST, _LAST, EMAIL, _SECTION, _ROLE)
        )

    @property
    def identities(self) -> list[str]:
        """The names of the columns that identify somebody."""
        return [*self._identities]

    def person(self, row: Sequence[str]) -> Person | None:
        """The person of a row; None where it is about no student."""

        def cell(place: int | None) -> str:
            return row[place] if place is not None and place < len(row) else ""

        role = cell(self._role).casefold()
        if role and not any(kind in role for kind in _STUDENT_ROLES):
            return None
        name = cell(self._name) or f"{cell(self._first)} {cell(self._last)}".strip()
        name = name or cell(self._called)
        identities = {
            column: _PARTICIPANT.sub("", cell(place))
            for column, place in self._identities.items()
            if cell(place)
        }
        if self._is_canvas and (not identities or name.casefold() in CANVAS_ITSELF):
            return None
        return Person(identities, name, cell(self._email), cell(self._section))


def word(name: str) -> str:
    """A column's name, however its platform writes it."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(plain.replace("_", " ").split())
