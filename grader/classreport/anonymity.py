"""A class without names: each student is a number, the same all through a report.

Such a report is made to be shown around, so it says of hidden checks what students may
read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Any

from grader.classreport.reading import Course, Handed, for_students
from grader.course.class_list import Student, Unreadable
from grader.course.results import Result
from grader.picture.data import texts, with_texts
from grader.verdict import Verdict

_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"[^\W\d_]{3,}")

# What stories and pictures write for a character that is none of ASCII's, or acts.
_ESCAPE = re.compile(r"(\\(?:[nrt]|x[\da-f]{2}|u[\da-f]{4}|U[\da-f]{8}))")


def anonymous(course: Course, secret: bytes) -> Course:
    """The same class with a number for each student.

    Who has which number follows from `secret` and from nothing else. Whatever calls a
    student is replaced also where it stands inside paths, messages and stories, and so
    is each word of a name: written in any way where it is the student's own work, as
    the name has it where it is another's. What would give hidden checks away is left
    out.
    """
    course = for_students(course)

    def place(student: Student) -> bytes:
        name = student.student.encode(errors="surrogatepass")
        return blake2b(name, key=secret, digest_size=16).digest()

    shuffled = sorted(course.students, key=place)
    width = len(str(len(shuffled)))
    called = {
        student.student: f"student-{number:0{width}}"
        for number, student in enumerate(shuffled, 1)
    }
    words = _Words(course.students, called)

    def without_names(results: Handed) -> Handed:
        return {
            (called[student], exercise): _result(result, called[student], words)
            for (student, exercise), result in results.items()
        }

    def unreadable(key: tuple[str, str], one: Unreadable) -> Unreadable:
        student, exercise = called[key[0]], key[1]
        suffix, why = words.without(
            [PurePosixPath(one.file).suffix, one.why], one.student, {one.file: student}
        )
        return Unreadable(student, exercise, f"{student}/{exercise}{suffix}", why)

    return Course(
        tuple(Student(called[s.student], enrolled=s.enrolled) for s in shuffled),
        course.exercises,
        without_names(course.results),
        without_names(course.failed),
        {
            (called[key[0]], key[1]): unreadable(key, one)
            for key, one in course.unreadable.items()
        },
    )


def _result(result: Result, called: str, words: _Words) -> Result:
    file = f"{called}/{result.verdict.exercise}.py"
    own = {result.file: file, result.verdict.submission: file, result.name: called}
    own |= dict.fromkeys(_NAME.findall(result.name), called)
    plain = result.verdict.as_json()
    for finding in _findings(plain):
        finding["picture"] = texts(finding["picture"]) if finding["picture"] else []
    data = words.without(plain, result.student, own)
    # What an exercise and its checks are called is not the student's.
    data |= {"exercise": result.verdict.exercise, "submission": file}
    for check, before in zip(data["checks"], result.verdict.checks, strict=True):
        check |= {"id": before.id, "title": before.title}
        check["outcome"] = before.outcome
    for finding, old in zip(_findings(data), result.verdict.all_findings, strict=True):
        picture = old.picture and with_texts(old.picture, finding["picture"])
        finding |= {"id": old.id, "why": old.why, "read": old.read, "picture": picture}
    return replace(
        result,
        student=called,
        name="",
        file=file,
        handed_in=None,
        verdict=Verdict.from_json({**data, "schema": 1}),
    )


def _findings(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A verdict's findings as JSON, in the order of its `all_findings`."""
    return [*data["findings"], *(f for c in data["checks"] for f in c["findings"])]


class _Words:
    """All that calls somebody, and what is written instead."""

    def __init__(self, students: Iterable[Student], called: Mapping[str, str]) -> None:
        self._everybodys: dict[str, dict[str, str]] = {}
        self._own: dict[str, dict[str, str]] = {}
        self._parts: dict[str, str] = {}
        for student in students:
            number = called[student.student]
            names = {student.student, student.name, student.email}
            names |= {*student.identities.values()}
            names |= {*map(_escaped, names)}
            for name in filter(None, names):
                self._everybodys.setdefault(_first(name), {})[name] = number
            parts = _NAME.findall(student.name)
            parts_and_id = [*parts, student.student.rpartition("/")[2]]  # no section
            own = [*parts_and_id, *map(_escaped, parts_and_id)]
            self._own[student.student] = dict.fromkeys(own, number)
            for part in parts:
                if not part.islower():
                    # Several are called so: it may be any of them.
                    other = self._parts.setdefault(part, number)
                    self._parts[part] = number if other == number else "student"

    def without(self, data: Any, student: str, own: Mapping[str, str]) -> Any:
        """JSON, with a number wherever somebody is called."""
        text = "\n".join(_strings(data)).casefold()
        terms = {**self._own.get(student, {}), **own}
        for word in {"", *_WORD.findall(text), *_WORD.findall(_ESCAPE.sub(" ", text))}:
            terms |= self._everybodys.get(word, {})
        terms = {term.casefold(): number for term, number in terms.items() if term}
        longest_first = sorted(terms, key=len, reverse=True)
        any_of = "|".join(map(re.escape, longest_first))
        begins = r"(?:(?<![^\W_])|(?<=\\[nrt])|(?<=\\x[\da-f]{2}))"
        form = re.compile(rf"{begins}(?:{any_of})(?![^\W_])", re.IGNORECASE)

        def number(match: re.Match[str]) -> str:
            return terms.get(match[0].casefold(), "student")

        def part(match: re.Match[str]) -> str:
            return self._parts.get(match[0], match[0])

        def without_names(text: str) -> str:
            # The letter of an escape is not the first one of a name behind it.
            pieces = _ESCAPE.split(form.sub(number, text))
            pieces[::2] = (_NAME.sub(part, piece) for piece in pieces[::2])
            return "".join(pieces)

        return _replaced(data, without_names)


def _escaped(name: str) -> str:
    """How a name is written where everything is ASCII."""
    return name.encode("unicode_escape").decode()


def _first(name: str) -> str:
    """The first word of a name, by which to find out whether it can be in a text."""
    word = _WORD.search(name.casefold())
    return word[0] if word else ""


def _strings(data: Any) -> Iterable[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from _strings(value)


def _replaced(data: Any, change: Callable[[str], str]) -> Any:
    """JSON, with each of its texts changed."""
    if isinstance(data, str):
        return change(data)
    if isinstance(data, dict):
        return {key: _replaced(value, change) for key, value in data.items()}
    if isinstance(data, list):
        return [_replaced(value, change) for value in data]
    return data
