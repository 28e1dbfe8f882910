"""The words of ``grade report``: arguments to calls.

Imported whenever ``grade`` starts, so what it needs is imported where it is needed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import UsageError, with_cure
from grader.usage import FULL, GRADER_FAILED

if TYPE_CHECKING:
    from datetime import date

    from grader.classreport.reading import Course


def add_report(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade report``."""
    command.add_argument(
        "results", metavar="RESULTS", type=Path, help="what `grade course` wrote"
    )
    command.add_argument(
        "-o", "--out", metavar="FILE", type=Path, help="the report on the class, HTML"
    )
    command.add_argument(
        "--feedback",
        metavar="FOLDER",
        type=Path,
        help="a page for each student, to send out",
    )
    command.add_argument(
        "--anonymous", action="store_true", help="numbers instead of names"
    )


def report(arguments: argparse.Namespace) -> int:
    """Write what was asked for; the exit status."""
    from datetime import date

    from grader.classreport.reading import read_course
    from grader.course.results import Results
    from grader.files import check_makeable, check_writable, write_whole
    from grader.report.text import counted, one_line

    out, feedback = arguments.out, arguments.feedback
    if out is None and feedback is None:
        raise UsageError("say where the report goes: -o report.html")
    if feedback is not None and arguments.anonymous:
        raise UsageError(
            "feedback goes to students by their names; leave out --anonymous or "
            "--feedback"
        )
    if out is not None:
        check_writable(out)
    if feedback is not None:
        check_makeable(feedback)
    course = read_course(arguments.results)
    for place in filter(None, (out, feedback)):
        Results(arguments.results).keep_out(place)
    if course.damage:
        print(f"grade: {one_line(course.damage)}", file=sys.stderr)
    today = date.today()
    if feedback is not None:
        count = _write_feedback(course, feedback, today)
        print(f"Wrote feedback for {counted(count, 'student')} into {feedback}.")
    if out is not None:
        from grader.classreport.page import class_page

        if arguments.anonymous:
            course = _anonymous(course)
        page = class_page(course, today, anonymous=arguments.anonymous)
        write_whole(out, page)
        print(
            f"Wrote {out}: {counted(len(course.students), 'student')}, "
            f"{counted(len(course.exercises), 'exercise')}."
        )
    return GRADER_FAILED if course.damage else FULL


def _anonymous(course: Course) -> Course:
    import secrets

    from grader.classreport.anonymity import anonymous

    # Nobody who knows the names can find out who has which number.
    return anonymous(course, secrets.token_bytes(16))


def _write_feedback(course: Course, folder: Path, today: date) -> int:
    from grader.classreport.page import feedback_pages
    from grader.course.results import folder_name
    from grader.files import write_whole

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {with_cure(error)}") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(
            f"{folder} cannot be written: permission denied; change its "
            "permissions, or name another place"
        )
    pages = feedback_pages(course, today)
    for student, page in pages.items():
        write_whole(folder / f"{folder_name(student)}.html", page)
    return len(pages)
