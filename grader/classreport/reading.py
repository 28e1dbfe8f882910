"""A folder of results -> `Course`: who is in it, what there was to do, what came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.catalog import CheckSpec
from grader.course.class_list import (
    ClassList,
    GradedExercise,
    Student,
    Unreadable,
    read_class,
)
from grader.course.results import Result, Results
from grader.errors import UsageError
from grader.report import hidden
from grader.verdict import CheckOutcome, Verdict

Handed = Mapping[tuple[str, str], Result]


@dataclass(frozen=True, slots=True)
class Course:
    """A class and its results, by student and exercise.

    `failed` are those of which the grader could not make a verdict, or whose verdict
    is damaged, which `damage` tells; `unreadable` is what is no program, where nothing
    else was handed in.
    """

    students: tuple[Student, ...]
    exercises: tuple[GradedExercise, ...]
    results: Handed
    failed: Handed
    unreadable: Mapping[tuple[str, str], Unreadable] = field(default_factory=dict)
    damage: str = ""

    @property
    def points(self) -> int:
        return sum(exercise.points for exercise in self.exercises)

    def of_exercise(self, exercise: str) -> list[Result]:
        """All verdicts on one exercise, in the order of the students."""
        found = (self.results.get((s.student, exercise)) for s in self.students)
        return [result for result in found if result is not None]

    def missing(self, exercise: str) -> list[Student]:
        """Who is expected to hand it in, and did not."""
        return [
            student
            for student in self.students
            if student.enrolled is not False
            and (student.student, exercise) not in self.results
            and (student.student, exercise) not in self.failed
            and (student.student, exercise) not in self.unreadable
        ]


def passed(result: Result) -> set[str]:
    """The checks that a submission passed."""
    checks = result.verdict.checks
    return {check.id for check in checks if check.outcome is CheckOutcome.PASSED}


def for_students(course: Course) -> Course:
    """A class without what would give hidden checks away."""

    def open_to_all(results: Handed) -> Handed:
        return {
            key: replace(result, verdict=hidden.for_students(result.verdict))
            for key, result in results.items()
        }

    return replace(
        course,
        results=open_to_all(course.results),
        failed=open_to_all(course.failed),
    )


def read_course(folder: Path) -> Course:
    """Read what `grade course` wrote.

    Raises `UsageError` where there is nothing to read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name what `grade course` wrote")
    kept = Results(folder)
    results = {_key(result): result for result in kept.verdicts()}
    known = read_class(folder) or ClassList()
    failed = {_key(result): result for result in kept.failed()}
    for result in kept.lost(student.student for student in known.students):
        failed.setdefault(_key(result), result)
    failed = {key: result for key, result in failed.items() if key not in results}
    if not results and not failed and not known.students:
        raise UsageError(f"there are no results in {folder}; `grade course` makes them")
    everything = [*results.values(), *failed.values()]
    return Course(
        _students(known, everything),
        _exercises(known, everything),
        results,
        failed,
        known.not_programs({*results, *failed}),
        kept.damage(),
    )


def _key(result: Result) -> tuple[str, str]:
    return result.student, result.verdict.exercise


def _students(known: ClassList, results: Iterable[Result]) -> tuple[Student, ...]:
    """Those of the class, and those whose results are older than it."""
    enrolled = False if known.roster else None
    people = {student.student: student for student in known.students}
    for result in results:
        here = people.get(result.student)
        if here is None:
            new = Student(result.student, result.name, enrolled=enrolled)
            people[result.student] = new
        elif not here.name:
            people[result.student] = replace(here, name=result.name)
    for one in known.unreadable:
        people.setdefault(one.student, Student(one.student, enrolled=enrolled))
    return tuple(
        sorted(people.values(), key=lambda s: (s.name or s.student).casefold())
    )


def _exercises(
    known: ClassList, results: Iterable[Result]
) -> tuple[GradedExercise, ...]:
    """Those of the class that anybody handed in, and those of results older than it.

    Of what nobody handed in nothing is missing: it may not be given out yet.
    """
    exercises = {exercise.name: exercise for exercise in known.exercises}
    handed_in = {file.exercise for file in known.unreadable}
    for result in results:
        name = result.verdict.exercise
        handed_in.add(name)
        exercises.setdefault(name, GradedExercise(name, "", _checks(result.verdict)))
    ordered = sorted(exercises, key=lambda name: (len(name), name))
    kept = [name for name in ordered if name in handed_in] or ordered
    return tuple(exercises[name] for name in kept)


def _checks(verdict: Verdict) -> tuple[CheckSpec, ...]:
    return tuple(CheckSpec(c.id, c.title, c.points, c.hidden) for c in verdict.checks)
