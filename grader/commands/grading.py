"""``grade exerciseN`` and ``grade all``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Collection, Sequence
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from grader import ending
from grader.commands.outputs import Audience, asked_for, text_alone, write_all
from grader.errors import UsageError
from grader.usage import FULL, GRADER_FAILED, NOT_FULL, named_path, percentage

if TYPE_CHECKING:
    from rich.console import Console

    from grader.catalog import Exercise
    from grader.report.terminal import Draw
    from grader.verdict import Verdict
    from grader.worker import Worker


def add_exercise(command: argparse.ArgumentParser, name: str) -> None:
    """The arguments of the command that is the name of an exercise."""
    command.set_defaults(exercise=name)
    _add_grading(command)
    command.add_argument(
        "--check", metavar="NAME", action="append", help="run this check alone"
    )
    command.add_argument(
        "--schedule",
        metavar="NAME",
        help="look at one order of events alone, in the checks that promise any: that "
        "of a code that grading told, or a name such as child_first",
    )
    command.add_argument(
        "--exercism", metavar="FILE", type=Path, help="write Exercism's results"
    )


def add_all(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade all``."""
    _add_grading(command)
    command.set_defaults(exercism=None, schedule=None)


def _add_grading(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "submission",
        metavar="FILE or FOLDER",
        nargs="?",
        type=named_path,
        help="what to grade; without it, your file in this folder or below exercises/",
    )
    command.add_argument("--json", metavar="FILE", type=Path, help="write the verdict")
    command.add_argument("--junit", metavar="FILE", type=Path, help="write JUnit XML")
    command.add_argument(
        "--gradescope", metavar="FILE", type=Path, help="write Gradescope's results"
    )
    command.add_argument(
        "--github",
        action="store_true",
        help="for GitHub Actions: annotate the submission, fill the job's summary",
    )
    command.add_argument(
        "--fail-under",
        metavar="PERCENT",
        type=percentage,
        default=Decimal(100),
        help="exit with 0 from so many percent of all points on (default: 100)",
    )
    command.add_argument(
        "--verbose", action="store_true", help="show all that was recorded"
    )
    command.add_argument(
        "--picture",
        action="store_true",
        help="draw the processes side by side, instead of telling a story",
    )


def grade_one(arguments: argparse.Namespace) -> int:
    """Grade one exercise; the exit status."""
    from grader.worker import Worker

    if arguments.check and len(arguments.check) > 1:
        raise UsageError("--check takes one check; without it all of them run")
    check = arguments.check[0] if arguments.check else None
    if arguments.schedule is not None:
        from grader.commands.exploring import schedule_of

        schedule_of(arguments.schedule)  # there is one
    with arguments.worker or Worker() as worker:
        from grader.catalog import find, names

        exercise = find(arguments.exercise)
        if arguments.submission is not None:
            _check_named(exercise, arguments.submission)
        verdict = _graded(exercise, arguments, check, worker)

    from grader.report.terminal import Reporter, console

    reporter = Reporter(to := console())
    draw = _draw(arguments, to)

    def tell() -> None:
        reporter.verdict(verdict, exercise, whole=arguments.verbose, draw=draw)
        if arguments.schedule is not None:
            reporter.line(
                f"What holds in any order was looked at under {arguments.schedule} "
                "alone: the score is no whole one."
            )
        else:
            following = dict(pairwise(names())).get(exercise.name)
            reporter.next_step(verdict, following if check is None else None)

    audience = Audience()
    with text_alone(arguments, audience):
        audience.tell(tell)
    data = json.dumps(verdict.as_json(), indent=2)
    write_all(arguments, [verdict], data, audience)
    audience.dismiss()
    return _status([verdict], arguments.fail_under)


def _check_named(exercise: Exercise, path: Path) -> None:
    """Raises `UsageError` where what was named is no one person's file or folder.

    A slip of whoever calls is not to look like work that earns no points.
    """
    from grader.submission import locate

    many = _for_many(path)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{path} does not exist; name the file or the folder to grade"
        ) from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}; name another file"
        ) from error
    if path.is_dir():
        if not os.path.lexists(locate(exercise, path)):
            raise UsageError(f"there is no {exercise.program} in {path}{many}")
    elif path.suffix != ".py":
        from grader.course.archives import is_archive

        if is_archive(path):
            raise UsageError(f"{path} is an archive, not one file to grade{many}")


def _for_many(path: Path) -> str:
    """What to do with what many handed in."""
    folder = shlex.quote(str(path))
    return f"; `grade course {folder} --out RESULTS` grades what many handed in"


def _check_folder(given: Path | None, exercises: Collection[Exercise]) -> None:
    """Raises `UsageError` where what was named is no one person's folder.

    Where nothing was named, nothing was handed in, which is a verdict.
    """
    from grader.report.text import some
    from grader.submission import locate

    if given is None:
        return
    if not given.is_dir():
        raise UsageError(
            f"{given} is not a folder; `grade all` takes the one with all exercises"
        )
    if not any(os.path.lexists(locate(exercise, given)) for exercise in exercises):
        names = some([exercise.program for exercise in exercises])
        raise UsageError(f"there is none of {names} in {given}{_for_many(given)}")


def grade_all(arguments: argparse.Namespace) -> int:
    """Grade every exercise; the exit status."""
    from grader.catalog import find_exercises
    from grader.report.terminal import Reporter, console
    from grader.verdict import SCHEMA
    from grader.worker import Worker

    exercises = find_exercises().values()
    _check_folder(arguments.submission, exercises)
    reporter = Reporter(to := console())
    draw = _draw(arguments, to)
    verdicts: list[Verdict] = []

    def tell(verdict: Verdict, exercise: Exercise) -> None:
        reporter.verdict(verdict, exercise, whole=arguments.verbose, draw=draw)
        reporter.gap()

    audience = Audience()
    with text_alone(arguments, audience):
        for exercise in exercises:
            with Worker() as worker:
                verdict = _graded(exercise, arguments, None, worker)
            verdicts.append(verdict)
            audience.tell(partial(tell, verdict, exercise))
            if not audience.is_there and not asked_for(arguments):
                audience.dismiss()
        audience.tell(lambda: reporter.summary(verdicts))
    data = {"schema": SCHEMA, "verdicts": [v.as_json() for v in verdicts]}
    write_all(arguments, verdicts, json.dumps(data, indent=2), audience)
    audience.dismiss()
    return _status(verdicts, arguments.fail_under)


def _graded(
    exercise: Exercise,
    arguments: argparse.Namespace,
    check: str | None,
    worker: Worker,
) -> Verdict:
    from grader.exploring.orders import Orders
    from grader.files import check_writable, keep_apart
    from grader.report.progress import LiveProgress
    from grader.session import grade
    from grader.submission import locate
    from grader.tracing.ptrace import hide_memory

    hide_memory()

    submission = locate(exercise, arguments.submission)
    reports = asked_for(arguments)
    for path in reports:
        check_writable(path)
    keep_apart(submission, *reports)
    with LiveProgress() as progress:
        return grade(
            exercise,
            submission,
            only=check,
            orders=Orders(only=arguments.schedule),
            verbose=arguments.verbose,
            progress=ending.heeding(progress),
            worker=worker,
        )


def _draw(arguments: argparse.Namespace, to: Console) -> Draw | None:
    """How a finding's run is drawn, where that is asked for."""
    if not arguments.picture:
        return None
    from grader.commands.picturing import drawn_finding

    return lambda finding: drawn_finding(finding, to)


def _status(verdicts: Sequence[Verdict], enough: Decimal) -> int:
    """The exit status; `enough` is the part of all points, in percent, that passes."""
    from grader.verdict import Outcome

    if any(verdict.outcome is Outcome.GRADER_ERROR for verdict in verdicts):
        return GRADER_FAILED
    points = sum(verdict.max_score for verdict in verdicts)
    score = sum(verdict.score for verdict in verdicts)
    return FULL if score * 100 >= enough * points else NOT_FULL
