"""The people of a class, as a roster, earlier calls and submissions tell them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from grader.course.class_list import ClassList, Student
from grader.course.handed_in import Attempt, HandedIn
from grader.course.results import Results
from grader.course.roster import Matched, Roster


@dataclass(frozen=True, slots=True)
class People:
    """Everybody of a class.

    `strangers` is a sentence about whom the roster does not have, if it lacks anybody.
    """

    students: list[Student]
    strangers: str
    matched: Matched | None

    def named(self, attempts: Iterable[Attempt]) -> list[Attempt]:
        """The attempts, with their people's names."""
        return self.matched.named(attempts) if self.matched else list(attempts)


def people_of(
    found: HandedIn, roster: Roster | None, before: ClassList | None, results: Results
) -> People:
    """Who is in the class, now that this was handed in.

    A roster that was given once counts until another is.
    """
    if before is None:
        names = {result.student: result.name for result in results.verdicts()}
    else:
        known = {file.student for file in before.unreadable}
        names = {
            student.student: student.name
            for student in before.students
            if student.student in known or results.knows(student.student)
        }
    names |= {s: name or names.get(s, "") for s, name in found.names().items()}
    roster = roster or (before.roster if before else None)
    if roster is None:
        return People([Student(s, name) for s, name in names.items()], "", None)
    matched = roster.match(names)
    students = [Student.of(s, person) for s, person in matched.people.items()]
    students += [Student(s, names[s], enrolled=False) for s in matched.strangers]
    return People(students, matched.told(), matched)
