"""What the results of a class say: counts, and who is meant by them."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from grader.catalog import CheckSpec
from grader.classreport.reading import Course, passed
from grader.course.class_list import GradedExercise, Student
from grader.course.likeness import statements_of
from grader.course.results import Result
from grader.verdict import Finding, Outcome

# What no exercise needs, and what a loop that does not end comes to.
FORBIDDEN = ("forbidden-call",)
LIMITS = (
    "too-many-processes",
    "too-many-threads",
    "too-much-memory",
    "too-much-output",
    "too-many-descriptors",
    "too-many-files",
    "too-much-written",
    "never-ends",
)

_MOST_BINS = 21


@dataclass(frozen=True, slots=True)
class Bin:
    """How many scores lie from `first` to `last`."""

    first: int
    last: int
    count: int

    @property
    def label(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class ExerciseFigures:
    """How a class did one exercise."""

    exercise: GradedExercise
    full: int
    partial: int
    none: int
    failed: int
    late: int
    unreadable: int
    missing: list[Student]
    median: float | None
    mean: float | None
    bins: list[Bin]

    @property
    def graded(self) -> int:
        return self.full + self.partial + self.none

    @property
    def everybody(self) -> int:
        """Who is expected to hand it in, or did."""
        return self.graded + self.failed + self.unreadable + len(self.missing)


@dataclass(frozen=True, slots=True)
class CheckFigures:
    """How many passed a check, of those whose submission was graded."""

    exercise: str
    check: CheckSpec
    passed: int
    graded: int
    not_passed: list[Student]

    @property
    def rate(self) -> float:
        return self.passed / self.graded if self.graded else 0.0


@dataclass(frozen=True, slots=True)
class Example:
    """A finding in a real submission."""

    student: Student
    result: Result
    finding: Finding


@dataclass(frozen=True, slots=True)
class Misconception:
    """A diagnosis, who got it and where, and its clearest example."""

    id: str
    students: list[Student]
    exercises: list[str]
    example: Example


@dataclass(frozen=True, slots=True)
class Alike:
    """Students whose programs are one program; `same_file`: to the last byte."""

    exercise: str
    students: list[Student]
    statements: int
    same_file: bool
    graded: int


@dataclass(frozen=True, slots=True)
class Place:
    """What a student has of an exercise.

    `state` is an outcome, ``missing``, or ``unreadable``: handed in, but no program.
    `finding` is the diagnosis of a submission as a whole, such as that it cannot be
    loaded; empty without one.
    """

    exercise: GradedExercise
    state: str
    score: int
    late: bool
    not_passed: list[CheckSpec]
    finding: str = ""


_STUCK = ("partial", "none", "unreadable")


@dataclass(frozen=True, slots=True)
class Row:
    """A student and all exercises."""

    student: Student
    places: list[Place]

    @property
    def score(self) -> int:
        return sum(place.score for place in self.places)

    @property
    def stuck(self) -> Place | None:
        """The first exercise that was handed in and has not full marks."""
        return next((p for p in self.places if p.state in _STUCK), None)

    @property
    def open(self) -> int:
        """How many checks have not been passed."""
        return sum(len(place.not_passed) for place in self.places)

    @property
    def has_nothing(self) -> bool:
        return all(place.state == "missing" for place in self.places)


def figures(course: Course) -> list[ExerciseFigures]:
    """How the class did each exercise."""
    return [_figures(course, exercise) for exercise in course.exercises]


def _figures(course: Course, exercise: GradedExercise) -> ExerciseFigures:
    results = course.of_exercise(exercise.name)
    scores = [result.verdict.score for result in results]
    outcomes = [result.verdict.outcome for result in results]
    return ExerciseFigures(
        exercise,
        outcomes.count(Outcome.FULL),
        outcomes.count(Outcome.PARTIAL),
        outcomes.count(Outcome.NONE),
        sum(name == exercise.name for _, name in course.failed),
        sum(result.late for result in results),
        sum(name == exercise.name for _, name in course.unreadable),
        course.missing(exercise.name),
        statistics.median(scores) if scores else None,
        statistics.fmean(scores) if scores else None,
        bins(scores, exercise.points),
    )


def bins(scores: list[int], points: int) -> list[Bin]:
    """All scores from 0 to full marks, counted; in ranges of one width if many."""
    most = max([points, *scores])
    width = math.ceil((most + 1) / _MOST_BINS)
    return [
        Bin(first, last, sum(first <= score <= last for score in scores))
        for first in range(0, most + 1, width)
        for last in [min(first + width - 1, most)]
    ]


def check_figures(course: Course) -> list[CheckFigures]:
    """How many passed each check, in the order of the hand-outs."""
    return [
        figures
        for exercise in course.exercises
        for figures in _checks_of(course, exercise)
    ]


def _checks_of(course: Course, exercise: GradedExercise) -> Iterator[CheckFigures]:
    people = {student.student: student for student in course.students}
    results = course.of_exercise(exercise.name)
    passes = {result.student: passed(result) for result in results}
    for check in exercise.checks:
        without = [people[s] for s, checks in passes.items() if check.id not in checks]
        count = len(results) - len(without)
        yield CheckFigures(exercise.name, check, count, len(results), without)


def misconceptions(course: Course) -> list[Misconception]:
    """All diagnoses that somebody got, the most frequent first."""
    examples: dict[str, list[Example]] = defaultdict(list)
    for student in course.students:
        for exercise in course.exercises:
            result = course.results.get((student.student, exercise.name))
            if result is None:
                continue
            for finding in result.verdict.all_findings:
                examples[finding.id].append(Example(student, result, finding))
    found = [_misconception(name, those) for name, those in examples.items()]
    return sorted(found, key=lambda m: (-len(m.students), m.id))


def _misconception(identity: str, examples: list[Example]) -> Misconception:
    people = {example.student.student: example.student for example in examples}
    exercises = {example.result.verdict.exercise: None for example in examples}
    ordered = sorted(exercises, key=lambda name: (len(name), name))
    return Misconception(
        identity, [*people.values()], ordered, min(examples, key=_unclear)
    )


def _unclear(example: Example) -> tuple[bool, int, int]:
    """Least where the least else is wrong, and the story is there and short."""
    story = len(example.finding.timeline)
    others = {finding.id for finding in example.result.verdict.all_findings}
    return story == 0, len(others), story


def against_rules(found: list[Misconception]) -> list[Misconception]:
    """Those of them that the rules and limits are about."""
    return [one for one in found if one.id in (*FORBIDDEN, *LIMITS)]


def alike(course: Course) -> list[Alike]:
    """Submissions that are one program under renaming, the longest programs first."""
    groups: dict[tuple[str, str], list[tuple[Student, Result]]] = defaultdict(list)
    for student in course.students:
        for exercise in course.exercises:
            result = course.results.get((student.student, exercise.name))
            if result and result.shape:
                groups[exercise.name, result.shape].append((student, result))
    found = [
        Alike(
            exercise,
            [student for student, _ in those],
            statements_of(shape),
            len({result.key for _, result in those}) == 1,
            len(course.of_exercise(exercise)),
        )
        for (exercise, shape), those in groups.items()
        if len(those) > 1
    ]
    return sorted(found, key=lambda a: (len(a.students), -a.statements, a.exercise))


def matrix(course: Course) -> list[Row]:
    """Each student and what they have of each exercise."""
    return [
        Row(student, [_place(course, student.student, e) for e in course.exercises])
        for student in course.students
    ]


def _place(course: Course, student: str, exercise: GradedExercise) -> Place:
    result = course.results.get((student, exercise.name))
    if result is None:
        key = student, exercise.name
        state = "unreadable" if key in course.unreadable else "missing"
        state = "grader-error" if key in course.failed else state
        return Place(exercise, state, 0, False, [*exercise.checks])
    done = passed(result)
    return Place(
        exercise,
        result.verdict.outcome.value,
        result.verdict.score,
        result.late,
        [check for check in exercise.checks if check.id not in done],
        next((finding.id for finding in result.verdict.findings), ""),
    )
