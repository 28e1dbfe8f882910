"""What a class is: its people and its exercises, kept beside their results.

`RESULTS/class.json` says what no single result can: who is in the course and handed
in nothing, and what there was to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from grader.catalog import CheckSpec, Exercise
from grader.course.roster import Person, Roster
from grader.errors import UsageError
from grader.report.files import write_whole

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Student:
    """Somebody of the class: `enrolled` if the roster has them, None without one."""

    student: str
    name: str = ""
    email: str = ""
    section: str = ""
    enrolled: bool | None = None
    identities: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, student: str, person: Person) -> Student:
        """A person of the roster, by what forklab knows them as."""
        known = (person.name, person.email, person.section)
        return cls(student, *known, True, dict(person.identities))


@dataclass(frozen=True, slots=True)
class GradedExercise:
    """An exercise as it was graded."""

    name: str
    title: str
    checks: tuple[CheckSpec, ...]

    @classmethod
    def of(cls, exercise: Exercise) -> GradedExercise:
        """What is kept of an exercise."""
        return cls(exercise.name, exercise.title, exercise.checks)

    @property
    def points(self) -> int:
        return sum(check.points for check in self.checks)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that somebody handed in and that is no program: `why` says what it is."""

    student: str
    file: str
    why: str

    def __post_init__(self) -> None:
        """Raises ``TypeError`` where it is of other types: it is read from a file."""
        if not all(isinstance(t, str) for t in (self.student, self.file, self.why)):
            raise TypeError("not texts")


@dataclass(frozen=True, slots=True)
class ClassList:
    """The people and the exercises of a class.

    `unreadable` is what was handed in and is not a program.
    """

    students: tuple[Student, ...] = ()
    exercises: tuple[GradedExercise, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def roster(self) -> Roster | None:
        """The roster that was given once; None where none was."""
        people = [
            Person(student.identities, student.name, student.email, student.section)
            for student in self.students
            if student.enrolled
        ]
        return Roster(people) if people else None

    def with_exercises(self, exercises: Iterable[Exercise]) -> ClassList:
        """Also these, as they are now."""
        known = {exercise.name: exercise for exercise in self.exercises}
        known.update({e.name: GradedExercise.of(e) for e in exercises})
        return replace(self, exercises=tuple(known[name] for name in _ordered(known)))

    def with_students(self, students: Iterable[Student]) -> ClassList:
        """These instead."""
        ordered = sorted(students, key=lambda student: student.student)
        return replace(self, students=tuple(ordered))

    def with_unreadable(self, unreadable: Iterable[Unreadable]) -> ClassList:
        """These instead."""
        return replace(self, unreadable=tuple(unreadable))

    def not_programs(
        self, handed_in: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], Unreadable]:
        """What is no program, by student and exercise, where nothing else is.

        `handed_in` are the students and exercises of which something is. A file that
        names no exercise may be any, of a student who handed in nothing else.
        """
        others = {student for student, _ in handed_in}
        found: dict[tuple[str, str], Unreadable] = {}
        for one in self.unreadable:
            named = {int(n) for n in re.findall(r"(?i)exercise[-_ ]?(\d+)", one.file)}
            for exercise in (e.name for e in self.exercises):
                number = re.search(r"\d+$", exercise)
                is_it = number is not None and int(number[0]) in named
                if is_it or (not named and one.student not in others):
                    found.setdefault((one.student, exercise), one)
        return {key: one for key, one in found.items() if key not in handed_in}

    def as_json(self) -> dict[str, Any]:
        """This class as schema 1, see docs/course.md."""
        return {
            "schema": SCHEMA,
            "students": [asdict(student) for student in self.students],
            "exercises": [asdict(exercise) for exercise in self.exercises],
            "unreadable": [asdict(one) for one in self.unreadable],
        }


def _ordered(names: Iterable[str]) -> list[str]:
    """Names that end with numbers, in the order of these."""
    return sorted(names, key=lambda name: (len(name), name))


def class_file(results: Path) -> Path:
    """Where the class of a folder of results is written."""
    return results / "class.json"


def save_class(results: Path, known: ClassList) -> None:
    """Keep it. Raises `GraderError` where it cannot be written."""
    text = json.dumps(known.as_json(), indent=1, ensure_ascii=False)
    shown = text.encode(errors="backslashreplace").decode()
    write_whole(class_file(results), shown + "\n")


def read_class(results: Path) -> ClassList | None:
    """What `save_class` wrote; None where nothing did.

    Raises `UsageError` where it is something else.
    """
    path = class_file(results)
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is not what `grade course` wrote; move it away and grade again"
        ) from error


def _from_json(data: Mapping[str, Any]) -> ClassList:
    if data["schema"] != SCHEMA:
        raise ValueError(f"not a class of schema {SCHEMA}")
    return ClassList(
        tuple(Student(**student) for student in data["students"]),
        tuple(
            GradedExercise(e["name"], e["title"], _checks(e["checks"]))
            for e in data["exercises"]
        ),
        tuple(Unreadable(**one) for one in data.get("unreadable", [])),
    )


def _checks(data: Sequence[Mapping[str, Any]]) -> tuple[CheckSpec, ...]:
    return tuple(CheckSpec(**check) for check in data)
