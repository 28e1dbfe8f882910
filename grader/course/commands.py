"""The words of ``grade course`` and ``grade gradebook``: arguments to calls.

Imported whenever ``grade`` starts, so what it needs is imported where it is needed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from grader import ending
from grader.errors import UsageError
from grader.usage import FULL, GRADER_FAILED, number, percentage, positive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.catalog import Exercise
    from grader.course.gradebook import Rules
    from grader.course.handed_in import Attempt
    from grader.course.results import Result, Results
    from grader.course.roster import Roster


def add_course(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade course``."""
    command.add_argument(
        "submissions",
        metavar="SUBMISSIONS",
        type=Path,
        help="a folder or an archive: STUDENT/exerciseN.py, or what Moodle, Canvas, "
        "Gradescope or GitHub Classroom export",
    )
    command.add_argument(
        "--out", metavar="RESULTS", type=Path, required=True, help="where verdicts go"
    )
    command.add_argument(
        "--roster",
        metavar="CSV",
        type=Path,
        help="who is in the course: student, name, email, section; or the list that "
        "GitHub Classroom, Canvas, Moodle or Gradescope export",
    )
    command.add_argument(
        "--exercise",
        metavar="NAME",
        action="append",
        help="grade this one alone; may be given several times",
    )
    command.add_argument(
        "--due",
        metavar="[NAME=]WHEN",
        action="append",
        type=_due,
        default=[],
        help="what comes later is late, such as 2026-10-01T23:59; of one exercise, or "
        "of all",
    )
    command.add_argument(
        "--again", action="store_true", help="grade also what has not changed"
    )
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs", metavar="N", type=positive, help="how many at once (default: cores)"
    )
    where.add_argument(
        "--on",
        metavar="dask:ADDRESS",
        type=_cluster,
        help="grade on a Dask cluster; HOST:PORT of its scheduler",
    )


def _cluster(text: str) -> str:
    kind, _, address = text.partition(":")
    if kind != "dask" or not address.strip():
        raise argparse.ArgumentTypeError(
            f"{text!r} is no cluster; write one like dask:10.0.0.5:8786"
        )
    return address


def _due(text: str) -> tuple[str, datetime]:
    name, _, when = text.rpartition("=")
    try:
        moment = datetime.fromisoformat(when)
        if "T" not in when and " " not in when:
            moment = moment.replace(hour=23, minute=59, second=59)  # that whole day
        return name, moment.astimezone()  # without a zone it is this machine's
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{when!r} is not a date; write one like 2026-10-01T23:59"
        ) from None


def course(arguments: argparse.Namespace) -> int:
    """Grade what a course handed in; the exit status."""
    from grader.catalog import find, names
    from grader.cores import cores_for, count
    from grader.course.grading import grade_all, tasks_of
    from grader.course.handed_in import handed_in, newest
    from grader.course.results import Results
    from grader.report.progress import CourseProgress
    from grader.report.terminal import Reporter, console
    from grader.report.text import visible
    from grader.tracing.ptrace import hide_memory

    hide_memory()
    exercises = {name: find(name) for name in arguments.exercise or names()}
    due = dict(arguments.due)
    for name in filter(None, due):
        find(name)
    roster = _roster(arguments.roster)
    found = handed_in(arguments.submissions, exercises)
    for sentence in found.ignored:
        print(f"grade: {visible(sentence)}", file=sys.stderr)
    attempts = _with_due(newest(found.attempts), due)
    results = Results(arguments.out)
    results.make()
    attempts = _with_people(attempts, roster, exercises, results)
    tasks = tasks_of(attempts, exercises, results, again=arguments.again)
    with CourseProgress(len(tasks)) as progress:
        heeding = ending.heeding(progress)
        if arguments.on is not None:
            from grader.course.cluster import grade_on

            failures = grade_on(arguments.on, tasks, results, progress=heeding)
        else:
            most = min(arguments.jobs or count(), len(tasks))
            places = cores_for(most)
            failures = grade_all(tasks, results, cores=places, progress=heeding)
    reporter = Reporter(console())
    reporter.course(
        [result.verdict for result in results.verdicts()],
        graded=len(tasks) - failures,
        unchanged=len(attempts) - len(tasks),
        where=str(arguments.out),
    )
    for failed in results.failed():
        reporter.failure(failed.student, failed.verdict)
    return GRADER_FAILED if failures else FULL


def _roster(path: Path | None) -> Roster | None:
    from grader.course.roster import read_roster

    return read_roster(path) if path is not None else None


def _with_people(
    attempts: Sequence[Attempt],
    roster: Roster | None,
    exercises: Mapping[str, Exercise],
    results: Results,
) -> Sequence[Attempt]:
    """The attempts with their people's names; the class is kept with the results.

    A roster that was given once counts until another is.
    """
    from grader.course.class_list import ClassList, Student, read_class, save_class
    from grader.report.text import visible

    before = read_class(results.folder)
    if before is None:
        names = {result.student: result.name for result in results.verdicts()}
    else:
        graded = [s for s in before.students if results.knows(s.student)]
        names = {student.student: student.name for student in graded}
    names |= {attempt.student: attempt.name for attempt in attempts}
    known = before or ClassList()
    roster = roster or known.roster
    if roster is None:
        students = [Student(student, name) for student, name in names.items()]
    else:
        matched = roster.match(names)
        attempts = matched.named(attempts)
        students = [Student.of(s, person) for s, person in matched.people.items()]
        students += [
            Student(student, names[student], enrolled=False)
            for student in matched.strangers
        ]
        for student in matched.strangers:
            print(f"grade: {visible(student)} is not in the roster", file=sys.stderr)
    known = known.with_exercises(exercises.values()).with_students(students)
    save_class(results.folder, known)
    return attempts


def _with_due(
    attempts: Sequence[Attempt], due: Mapping[str, datetime]
) -> Sequence[Attempt]:
    from grader.course.handed_in import marked_late

    return [
        marked_late(attempt, due.get(attempt.exercise) or due.get(""))
        for attempt in attempts
    ]


def add_gradebook(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade gradebook``."""
    command.add_argument(
        "results", metavar="RESULTS", type=Path, help="what `grade course` wrote"
    )
    command.add_argument(
        "-o", "--out", metavar="FILE", type=Path, help="(default: standard output)"
    )
    fills = command.add_mutually_exclusive_group()
    fills.add_argument(
        "--canvas",
        metavar="EXPORT",
        type=Path,
        help="fill in the gradebook that Canvas exported",
    )
    fills.add_argument(
        "--moodle",
        metavar="WORKSHEET",
        type=Path,
        help="fill in Moodle's offline grading worksheet of one assignment",
    )
    command.add_argument(
        "--exercise", metavar="NAME", action="append", help="leave out the others"
    )
    command.add_argument(
        "--weight",
        metavar="NAME=POINTS",
        action="append",
        type=_weight,
        default=[],
        help="what full marks for an exercise give (default: its own points)",
    )
    command.add_argument(
        "--late",
        metavar="PERCENT",
        type=percentage,
        default=Decimal(0),
        help="what late work loses (default: 0)",
    )


def _weight(text: str) -> tuple[str, Decimal]:
    name, _, points = text.partition("=")
    full = number(points)
    if not name or full is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not like exercise2=5")
    return name, full


def gradebook(arguments: argparse.Namespace) -> int:
    """Write a gradebook; the exit status."""
    from grader.catalog import find
    from grader.course.gradebook import Rules
    from grader.report.files import check_writable, write_whole
    from grader.report.text import visible

    if arguments.out is not None:
        check_writable(arguments.out)
    wanted = arguments.exercise
    for name in [*(wanted or []), *dict(arguments.weight)]:
        find(name)
    found = [r for r in _results(arguments.results) if _is_wanted(r, wanted)]
    if not found:
        raise UsageError(
            f"there are no verdicts in {arguments.results}; `grade course` writes them"
        )
    rules = Rules(dict(arguments.weight), arguments.late)
    text, without_row = _filled(arguments, found, rules)
    for student in without_row:
        print(f"grade: {visible(student)} has no row there", file=sys.stderr)
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        write_whole(arguments.out, text)
    return FULL


def _results(folder: Path) -> list[Result]:
    from grader.course.results import Results

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name what `grade course` wrote")
    return list(Results(folder).verdicts())


def _is_wanted(result: Result, exercises: Sequence[str] | None) -> bool:
    return not exercises or result.verdict.exercise in exercises


def _filled(
    arguments: argparse.Namespace, results: Sequence[Result], rules: Rules
) -> tuple[str, list[str]]:
    from grader.course.gradebook import canvas, moodle, plain

    if arguments.canvas is not None:
        filled = canvas(_read(arguments.canvas), results, rules)
    elif arguments.moodle is not None:
        filled = moodle(_read(arguments.moodle), results, rules)
    else:
        return plain(results, rules), []
    return filled.text, filled.without_row


def _read(path: Path) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"{path} cannot be read: {why}") from error
