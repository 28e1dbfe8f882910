"""What a class is: its people and its exercises, kept beside their results.

`RESULTS/class.json` says what no single result can: who is in the course and handed
in nothing, and what there was to do.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from grader.catalog import CheckSpec, Exercise
from grader.course.files import CLASS_FILE
from grader.course.handed_in import HandedIn, NotGraded
from grader.course.roster import Person, Roster
from grader.errors import UsageError, with_cure
from grader.files import write_whole

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
    """A file that a student handed in where no program is, and why it is none.

    `exercise` is empty where nothing says for which it was meant. `lost`: it may well
    be a program, or hold some, but cannot be read.
    """

    student: str
    exercise: str
    file: str
    why: str
    lost: bool = False

    def __post_init__(self) -> None:
        """Raises ``TypeError`` where it is of other types: it is read from a file."""
        texts = (self.student, self.exercise, self.file, self.why)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("not texts")


@dataclass(frozen=True, slots=True)
class ClassList:
    """The people and the exercises of a class, and when work was due.

    `unreadable` is what was handed in and is not a program, and `not_graded` what else
    lay there the last time. `due` is by exercise; that of the others is under the empty
    name.
    """

    students: tuple[Student, ...] = ()
    exercises: tuple[GradedExercise, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    due: Mapping[str, datetime] = field(default_factory=dict)
    not_graded: tuple[NotGraded, ...] = ()

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

    def with_handed_in(self, found: HandedIn, exercises: Collection[str]) -> ClassList:
        """Now that this was handed in for these exercises.

        What somebody else handed in before, or for another exercise, is still known.
        """
        seen = found.names()
        kept = [
            file
            for file in self.unreadable
            if file.student not in seen or file.exercise not in {*exercises, ""}
        ]
        new = [
            Unreadable(file.student, file.exercise, file.file, file.why, file.lost)
            for file in found.no_programs
        ]
        rest = tuple(found.not_graded)
        return replace(self, unreadable=tuple(kept + new), not_graded=rest)

    def not_programs(
        self, handed_in: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], Unreadable]:
        """What is no program, by student and exercise, where nothing else is.

        `handed_in` are the students and exercises of which something is. A file of no
        exercise may be any's, of a student who handed in nothing else; what is lost may
        be any's of anybody.
        """
        others = {student for student, _ in handed_in}
        found: dict[tuple[str, str], Unreadable] = {}
        for one in self.unreadable:
            for exercise in (e.name for e in self.exercises):
                may_be = not one.exercise and (one.lost or one.student not in others)
                if one.exercise == exercise or may_be:
                    found.setdefault((one.student, exercise), one)
        return {key: one for key, one in found.items() if key not in handed_in}

    def as_json(self) -> dict[str, Any]:
        """This class as schema 1, see docs/course.md."""
        return {
            "schema": SCHEMA,
            "students": [asdict(student) for student in self.students],
            "exercises": [asdict(exercise) for exercise in self.exercises],
            "unreadable": [asdict(file) for file in self.unreadable],
            "not_graded": [asdict(file) for file in self.not_graded],
            "due": {name: when.isoformat() for name, when in self.due.items()},
        }


def _ordered(names: Iterable[str]) -> list[str]:
    """Names that end with numbers, in the order of these."""
    return sorted(names, key=lambda name: (len(name), name))


def class_file(results: Path) -> Path:
    """Where the class of a folder of results is written."""
    return results / CLASS_FILE


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
        raise UsageError(f"{path} cannot be read: {with_cure(error)}") from error
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
        tuple(Unreadable(**file) for file in data.get("unreadable", ())),
        {n: datetime.fromisoformat(when) for n, when in data.get("due", {}).items()},
        tuple(NotGraded(**file) for file in data.get("not_graded", ())),
    )


def _checks(data: Sequence[Mapping[str, Any]]) -> tuple[CheckSpec, ...]:
    return tuple(CheckSpec(**check) for check in data)
