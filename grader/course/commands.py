"""The words of ``grade course`` and ``grade gradebook``: arguments to calls.

Imported whenever ``grade`` starts, so what it needs is imported where it is needed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from grader import ending
from grader.errors import UsageError, with_cure
from grader.usage import FULL, GRADER_FAILED, number, percentage, positive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.catalog import Exercise
    from grader.course.class_list import ClassList
    from grader.course.gradebook import Book, Filled, Rules
    from grader.course.handed_in import Attempt, HandedIn, NoProgram
    from grader.course.results import Results
    from grader.course.roster import Roster


# So many students who handed in no program are told, a line each.
_MOST_LINES = 20


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
        "of all; none forgets what was said before",
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


def _due(text: str) -> tuple[str, datetime | None]:
    name, equals, when = text.rpartition("=")
    if not when or (equals and not name):
        raise argparse.ArgumentTypeError(
            f"{text!r} lacks {'a name' if when else 'a date'}; write one like "
            "2026-10-01T23:59, or exercise1=2026-10-01T23:59"
        )
    if when == "none":
        return name, None
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
    from grader.course.class_list import class_file
    from grader.course.handed_in import handed_in
    from grader.course.results import Results
    from grader.files import check_makeable
    from grader.tracing.ptrace import hide_memory

    hide_memory()
    check_makeable(arguments.out)
    _check_apart(arguments.submissions, arguments.out)
    if arguments.on is not None:
        from grader.course.cluster import check_address

        check_address(arguments.on)
    exercises = {name: find(name) for name in arguments.exercise or names()}
    said = _due_once(arguments.due)
    for name in filter(None, said):
        find(name)
    roster = _roster(arguments.roster)
    # Whoever grades where submissions lie may well keep the results there too.
    found = handed_in(arguments.submissions, exercises, without=arguments.out)
    for sentence in found.ignored:
        _tell(sentence)
    if found.untold:
        where = class_file(arguments.out)
        _tell(f"{where} names all that is not graded, as not_graded")
    for sentence in _some_lines(found.lost):
        _tell(f"not graded: {sentence}")
    results = Results(arguments.out)
    results.make()
    with results.alone() as warning:
        if warning:
            _tell(warning)
        return _grade_into(results, arguments, exercises, said, roster, found)


def _grade_into(
    results: Results,
    arguments: argparse.Namespace,
    exercises: Mapping[str, Exercise],
    said: Mapping[str, datetime | None],
    roster: Roster | None,
    found: HandedIn,
) -> int:
    """Grade what was handed in, and is not graded yet; the exit status."""
    from grader.cores import cores_for, count
    from grader.course.class_list import ClassList, class_file, read_class, save_class
    from grader.course.grading import grade_all, tasks_of
    from grader.course.handed_in import newest
    from grader.course.people import people_of
    from grader.report.progress import CourseProgress
    from grader.report.terminal import Reporter, console

    _print_no_programs(found.no_programs, class_file(results.folder))
    before = read_class(results.folder)
    due = _due_now(said, before)
    people = people_of(found, roster, before, results)
    if people.strangers:
        _tell(people.strangers)
    known = (before or ClassList()).with_exercises(exercises.values())
    known = known.with_students(people.students).with_handed_in(found, exercises)
    save_class(results.folder, replace(known, due=due))
    attempts = _with_due(people.named(newest(found.attempts)), due)
    tasks = tasks_of(attempts, exercises, results, again=arguments.again)
    kept = f"what was graded is kept in {arguments.out}; the same command goes on"
    with ending.telling(kept), CourseProgress(len(tasks)) as progress:
        heeding = ending.heeding(progress)
        if arguments.on is not None:
            from grader.course.cluster import grade_on

            if not tasks:
                _tell("nothing is to be graded, so the cluster was not asked")
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
    return GRADER_FAILED if failures or found.lost else FULL


def _some_lines(sentences: Sequence[str]) -> list[str]:
    """So many of them that they can be read, and how many more there are."""
    left = len(sentences) - _MOST_LINES
    shown = [*sentences[:_MOST_LINES]]
    return [*shown, f"{left} more cannot be read"] if left > 0 else shown


def _check_apart(submissions: Path, out: Path) -> None:
    """Raises `UsageError` where results would lie among submissions as one of them."""
    if submissions.exists() and out.exists() and submissions.samefile(out):
        raise UsageError(
            f"{out} holds the submissions; name another folder for the results, such "
            f"as {out / 'results'}"
        )


def _due_once(
    given: Sequence[tuple[str, datetime | None]],
) -> dict[str, datetime | None]:
    """The dates by exercise, "" for all others. Raises `UsageError` at a second one."""
    due: dict[str, datetime | None] = {}
    for name, when in given:
        if name in due:
            raise UsageError(
                f"--due is given twice for {name or 'all exercises'}; leave one out"
            )
        due[name] = when
    return due


def _roster(path: Path | None) -> Roster | None:
    from grader.course.roster import read_roster

    return read_roster(path) if path is not None else None


def _print_no_programs(found: Sequence[NoProgram], where: Path) -> None:
    """Who handed in what is no program; the file of the class has all of them."""
    by_student: dict[str, list[NoProgram]] = {}
    for file in found:
        if file.ours:  # told already, and the student is not to blame
            continue
        by_student.setdefault(file.student, []).append(file)
    for student, files in [*by_student.items()][:_MOST_LINES]:
        first, *others = files
        of = f" for {first.exercise}" * bool(first.exercise)
        more = f" (and {len(others)} more)" * bool(others)
        _tell(f"{student} handed in no program{of}: {first.file} {first.why}{more}")
    left = len(by_student) - _MOST_LINES
    if left > 0:
        _tell(f"{left} more students handed in no program; {where} says who")


def _tell(sentence: str) -> None:
    from grader.report.text import one_line

    print(f"grade: {one_line(sentence)}", file=sys.stderr)


def _due_now(
    said: Mapping[str, datetime | None], before: ClassList | None
) -> dict[str, datetime]:
    """When work is due: as is said now of an exercise, else as it was said before."""
    due = dict(before.due) if before is not None else {}
    for name, when in said.items():
        if when is None:
            due.pop(name, None)
        else:
            due[name] = when
    return due


def _with_due(
    attempts: Sequence[Attempt], due: Mapping[str, datetime]
) -> Sequence[Attempt]:
    from grader.course.handed_in import marked_late

    moments = [due.get(a.exercise) or due.get("") for a in attempts]
    timeless = [
        a.file for a, m in zip(attempts, moments, strict=True) if m and not a.when
    ]
    if timeless:
        _tell(
            f"nothing says when {timeless[0]} was handed in{_and_more(timeless)}, so "
            "no due date is applied; a clone made by git has the time of the clone"
        )
    return [marked_late(a, m) for a, m in zip(attempts, moments, strict=True)]


def _and_more(files: Sequence[str]) -> str:
    return f" (nor {len(files) - 1} more)" * (len(files) > 1)


def add_gradebook(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade gradebook``."""
    command.add_argument(
        "results", metavar="RESULTS", type=Path, help="what `grade course` wrote"
    )
    command.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        type=Path,
        help="where the gradebook goes (default: standard output)",
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
    from grader.course.results import Results
    from grader.files import check_writable, write_whole
    from grader.report.text import counted, some

    folder = arguments.results
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name what `grade course` wrote")
    results = Results(folder)
    if arguments.out is not None:
        check_writable(arguments.out)
        results.keep_out(arguments.out)
    wanted = arguments.exercise
    for name in [*(wanted or []), *dict(arguments.weight)]:
        find(name)
    book = _book(results, wanted)
    damage = results.damage(wanted)
    if damage:
        _tell(damage)
    if not book.results:
        if damage:
            return GRADER_FAILED
        others = sorted({result.verdict.exercise for result in results.verdicts()})
        if wanted and others:
            raise UsageError(
                f"there are no verdicts of {some(wanted)} in {folder}; there are some "
                f"of {some(others)}"
            )
        raise UsageError(
            f"there are no verdicts in {folder}; `grade course` writes them"
        )
    rules = Rules(dict(arguments.weight), arguments.late)
    filled = _filled(arguments, book, rules)
    text, without_row = filled.text, filled.without_row
    if filled.unknown:
        _tell(
            f"{counted(filled.unknown, 'row')} of whom nothing was handed in got no 0: "
            "without a roster nobody knows whether they are in the course; give "
            "`grade course` one with --roster"
        )
    if without_row:
        has = "has" if len(without_row) == 1 else "have"
        _tell(
            f"{counted(len(without_row), 'student')} {has} no row there, so the grades "
            f"are not in it: {some(without_row)}; export it again once they are in the "
            "course, or enter them by hand"
        )
    if arguments.out is None:
        # A file's content, which is UTF-8 whatever this terminal shows.
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    else:
        write_whole(arguments.out, text)
    summary = book.summary(rules)
    if summary:
        print(f"grade: {summary}", file=sys.stderr)
    return GRADER_FAILED if damage else FULL


def _book(results: Results, exercises: Sequence[str] | None) -> Book:
    """What a folder of results gives for these exercises, or for all."""
    from grader.course.class_list import ClassList, read_class
    from grader.course.gradebook import Book

    known = read_class(results.folder) or ClassList()
    found = list(results.verdicts())
    waiting = [*results.failed(), *results.lost(s.student for s in known.students)]
    graded = {(r.student, r.verdict.exercise) for r in found}
    keys = {(r.student, r.verdict.exercise) for r in waiting} - graded
    # What a document of no exercise is depends on what came for all of them.
    keys |= known.not_programs(graded | keys).keys()
    return Book(
        [r for r in found if not exercises or r.verdict.exercise in exercises],
        known.students,
        {key for key in keys if not exercises or key[1] in exercises},
    )


def _filled(arguments: argparse.Namespace, book: Book, rules: Rules) -> Filled:
    from grader.course.gradebook import Filled, canvas, moodle, plain

    if arguments.canvas is not None:
        return canvas(_read(arguments.canvas), book, rules)
    if arguments.moodle is not None:
        return moodle(_read(arguments.moodle), book, rules)
    return Filled(plain(book, rules), [])


def _read(path: Path) -> str:
    from grader.course.roster import decoded

    try:
        return decoded(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {with_cure(error)}") from error
    except UsageError as error:
        raise UsageError(f"{path} {error}") from error
