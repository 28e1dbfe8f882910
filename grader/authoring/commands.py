"""The words of ``grade check-course`` and ``grade new``: arguments to calls.

Imported whenever ``grade`` starts, so what it needs is imported where it is needed.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from grader import ending
from grader.errors import UsageError
from grader.usage import FULL, GRADER_FAILED, NOT_FULL, named_path, positive

if TYPE_CHECKING:
    from grader.authoring.proof import Proof, Told
    from grader.catalog import Course, Exercise


def add_check_course(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade check-course``."""
    command.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        type=named_path,
        help="the course, with exercises/ and solutions/ in it (default: this folder "
        "if it has both, else forklab's own)",
    )
    command.add_argument(
        "--exercise",
        metavar="NAME",
        action="append",
        help="check this one alone; may be given several times",
    )
    command.add_argument(
        "--times",
        metavar="N",
        type=positive,
        default=20,
        help="how often each right answer must get full marks (default: 20)",
    )


def check_course(arguments: argparse.Namespace) -> int:
    """Verify a course and tell all that is wrong; the exit status."""
    from grader.authoring.inspection import inspect
    from grader.report.terminal import Reporter, console
    from grader.report.text import counted
    from grader.tracing.ptrace import hide_memory

    hide_memory()
    with _course(arguments.folder) as course:
        names = _wanted(course, arguments.exercise)
        exercises, faults = inspect(course, names)
        proof = _proof(course, exercises, arguments.times)
    faults += proof.faults
    reporter = Reporter(console())
    for fault in faults:
        reporter.probe(False, fault.what, f"{fault.cure[:1].upper()}{fault.cure[1:]}.")
    for failure in proof.failures:
        reporter.line(failure, "magenta")
    graded = f"{counted(len(names), 'exercise')}, {counted(proof.graded, 'grading')}"
    if proof.failures:
        reporter.line(
            f"{graded}: the grader could not do its work; `grade doctor` says what "
            "this machine lacks.",
            "bold magenta",
        )
        return GRADER_FAILED
    if faults:
        reporter.line(f"{graded}: {counted(len(faults), 'fault')}.", "bold red")
        return NOT_FULL
    reporter.line(f"{graded}: no fault.", "bold green")
    return FULL


def _course(given: Path | None) -> AbstractContextManager[Course]:
    """The course that is meant."""
    from grader.catalog import Course, own_course, using

    here = Course(Path())
    if given is None and here.exercises.is_dir() and here.solutions.is_dir():
        given = here.folder
    if given is not None:
        return using(given)
    own = own_course()
    if not own.solutions.is_dir():
        raise UsageError(
            "this forklab is installed without solutions, so there is nothing to "
            "check its exercises with; name a course: `grade check-course FOLDER`"
        )
    return nullcontext(own)


def _wanted(course: Course, given: Sequence[str] | None) -> list[str]:
    from grader.authoring.inspection import exercise_names
    from grader.report.text import some

    known = exercise_names(course)
    for name in given or ():
        if name not in known:
            raise UsageError(
                f"there is no exercise {name!r} in {course.folder}; there "
                + (f"is {known[0]} alone" if len(known) == 1 else f"are {some(known)}")
            )
    return [name for name in known if not given or name in given]


def _proof(course: Course, exercises: Sequence[Exercise], times: int) -> Proof:
    from grader.authoring.proof import prove
    from grader.report.progress import CourseProgress

    @contextmanager
    def show_progress(total: int) -> Iterator[Told]:
        with CourseProgress(total) as progress:
            yield ending.heeding(progress)

    return prove(course, exercises, times=times, show_progress=show_progress)


def add_new(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade new``."""
    command.add_argument(
        "exercise", metavar="NAME", help="exercise and a number, such as exercise9"
    )
    # Unlike other commands' --course it may name a folder that is still to be made.
    command.add_argument(
        "--course",
        dest="folder",
        metavar="FOLDER",
        type=named_path,
        default=Path(),
        help="the course; it is made where there is none (default: this folder)",
    )


def new(arguments: argparse.Namespace) -> int:
    """Make an exercise to begin with; the exit status."""
    from grader.authoring.new import make_exercise
    from grader.report.terminal import Reporter, console

    name, folder = arguments.exercise, arguments.folder
    reporter = Reporter(console())
    for path in make_exercise(name, folder):
        reporter.line(str(path))
    where = shlex.quote(str(folder))
    reporter.line(f"Next: change them, then `grade check-course {where}`.")
    return FULL
