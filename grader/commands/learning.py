"""What a student learns with: ``grade list``, ``hint``, ``explain`` and ``start``."""

from __future__ import annotations

import argparse
import difflib
import shlex
from pathlib import Path

from grader.errors import UsageError
from grader.usage import FULL, named_path


def list_exercises(_: argparse.Namespace) -> int:
    """Show the exercises; the exit status."""
    from grader.catalog import find_exercises
    from grader.report.terminal import Reporter, console

    Reporter(console()).exercises(find_exercises().values())
    return FULL


def add_hint(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade hint``."""
    command.add_argument("exercise", metavar="EXERCISE", help="such as exercise1")
    command.add_argument(
        "--again", action="store_true", help="begin with the first hint"
    )


def hint(arguments: argparse.Namespace) -> int:
    """Show one more hint; the exit status."""
    from grader.catalog import find, with_course
    from grader.hints import next_hint, state_file
    from grader.report.terminal import Reporter, console

    shown = next_hint(find(arguments.exercise), again=arguments.again)
    reporter = Reporter(console())
    if shown is None:
        reporter.line(f"{arguments.exercise} has no hints")
        return FULL
    reporter.line(f"Hint {shown.number} of {shown.count}", "bold")
    reporter.line(shown.text, indent=2)
    if not shown.kept:
        reporter.line(
            f"That it was shown could not be kept in {state_file()}; "
            "set XDG_STATE_HOME to a folder of yours for more."
        )
    if shown.number == shown.count:
        again = with_course(f"grade hint {arguments.exercise} --again")
        reporter.line(f"That was the last one. `{again}` begins with the first.")
    return FULL


def add_explain(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade explain``."""
    command.add_argument(
        "diagnosis",
        metavar="ID",
        nargs="?",
        help="such as zombie-left; without it, all are listed",
    )


def explain(arguments: argparse.Namespace) -> int:
    """Explain a diagnosis, or list them; the exit status."""
    from grader.diagnosis.texts import all_ids, text
    from grader.report.terminal import Reporter, console

    reporter = Reporter(console())
    wanted = arguments.diagnosis
    if wanted is None:
        for identity in all_ids():
            reporter.line(f"{identity}: {text(identity).title}")
        return FULL
    if wanted not in all_ids():
        close = difflib.get_close_matches(wanted, all_ids(), n=1)
        meant = f"; did you mean {close[0]}?" if close else ":"
        raise UsageError(
            f"there is no diagnosis {wanted!r}{meant} `grade explain` lists them"
        )
    reporter.explanation(text(wanted))
    return FULL


def add_start(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade start``."""
    command.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        type=named_path,
        default=Path(),
        help="where exercises/ is made (default: here)",
    )


def start(arguments: argparse.Namespace) -> int:
    """Hand out stubs and hand-outs; the exit status."""
    from grader.catalog import course_in_use, find_exercises, with_course
    from grader.report.terminal import Reporter, console
    from grader.starting import hand_out

    lies_in = course_in_use().folder.resolve()
    if arguments.course is not None and arguments.folder.resolve() == lies_in:
        raise UsageError(
            f"the course itself lies in {lies_in}; name the student's folder"
        )
    reporter = Reporter(console())
    for done in hand_out(find_exercises().values(), arguments.folder):
        what = "" if done.copied else " was there already and stays as it is"
        reporter.line(f"{done.path}{what}")
    first = next(iter(find_exercises()))
    elsewhere = arguments.folder != Path()
    where = f"cd {shlex.quote(str(arguments.folder))}, then " if elsewhere else ""
    grade = with_course(f"grade {first}", elsewhere=elsewhere)
    reporter.line(f"Next: read exercises/{first}/README.md; {where}`{grade}` any time.")
    return FULL
