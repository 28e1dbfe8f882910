"""The words of ``grade gradescope``: arguments to calls.

Imported whenever ``grade`` starts, so what it needs is imported where it is needed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.usage import FULL, named_path


def add_gradescope(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade gradescope``."""
    below = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    text = "build an autograder for Gradescope"
    build = below.add_parser("build", help=text, description=f"{text.capitalize()}.")
    build.set_defaults(run=build_autograder)
    build.add_argument(
        "--course",
        metavar="FOLDER",
        type=named_path,
        help="a course of your own, with exercises/ in it",
    )
    build.add_argument(
        "--exercise",
        metavar="NAME",
        action="append",
        help="grade this one alone; may be given several times",
    )
    build.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        type=Path,
        default=Path("autograder.zip"),
        help="the archive to upload (default: autograder.zip)",
    )


def build_autograder(arguments: argparse.Namespace) -> int:
    """Write the archive; the exit status."""
    from grader.catalog import find, names
    from grader.files import check_writable, write_whole
    from grader.integration.gradescope import archive
    from grader.report.terminal import Reporter, console

    check_writable(arguments.out)
    wanted = arguments.exercise or names()
    exercises = [find(name) for name in names() if name in {*map(_known, wanted)}]
    write_whole(arguments.out, archive(exercises))
    graded = ", ".join(exercise.name for exercise in exercises)
    Reporter(console()).line(
        f"{arguments.out} grades {graded}: upload it as the autograder of an assignment"
    )
    return FULL


def _known(name: str) -> str:
    """The name of an exercise. Raises `UsageError` where it is none."""
    from grader.catalog import find

    return find(name).name
