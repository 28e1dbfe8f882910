"""What grading writes beside its text: files for other programs, words for GitHub."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.verdict import Verdict


class Audience:
    """Whoever reads standard output: no file waits for one that has gone.

    Nor for a disk that has no room for what is printed.
    """

    def __init__(self) -> None:
        self._lost: OSError | None = None

    @property
    def is_there(self) -> bool:
        """Whether all that was printed has arrived so far."""
        return self._lost is None

    def tell(self, say: Callable[[], object]) -> None:
        """Have something printed, if that can still be done."""
        if self._lost is not None:
            return
        try:
            say()
            sys.stdout.flush()
        except OSError as error:
            self._lost = error

    def dismiss(self) -> None:
        """Raise what kept anything from being printed, once all else is done."""
        if self._lost is not None:
            raise self._lost


def asked_for(arguments: argparse.Namespace) -> list[Path]:
    """The files that grading is to write."""
    named = (arguments.json, arguments.junit, arguments.gradescope, arguments.exercism)
    return [path for path in named if path is not None]


def write_all(
    arguments: argparse.Namespace,
    verdicts: Sequence[Verdict],
    data: str,
    audience: Audience,
) -> None:
    """Write what was asked for; `data` is the JSON of the verdicts.

    One that cannot be written keeps none of the others from it.
    """
    from grader.files import write_whole

    with ExitStack() as each:
        if arguments.github:
            each.callback(_tell_github, verdicts, audience)
        if arguments.gradescope is not None:
            each.callback(_write_gradescope, arguments.gradescope, verdicts)
        if arguments.exercism is not None:
            from grader.report.exercism import exercism

            (verdict,) = verdicts  # it is asked for one exercise
            each.callback(write_whole, arguments.exercism, exercism(verdict))
        if arguments.junit is not None:
            from grader.report.junit import junit

            each.callback(write_whole, arguments.junit, junit(verdicts))
        if arguments.json is not None:
            each.callback(write_whole, arguments.json, data + "\n")


def _write_gradescope(path: Path, verdicts: Sequence[Verdict]) -> None:
    from grader.files import remove, write_whole
    from grader.report.gradescope import gradescope
    from grader.verdict import Outcome

    if any(verdict.outcome is Outcome.GRADER_ERROR for verdict in verdicts):
        # Without the file Gradescope says that the autograder failed, which is so.
        remove(path)
    else:
        write_whole(path, gradescope(verdicts))


@contextmanager
def text_alone(arguments: argparse.Namespace, audience: Audience) -> Iterator[None]:
    """What is printed meanwhile are no commands to whoever runs this job."""
    if not arguments.github:
        yield
        return
    from grader.report.github import without_commands

    alone = without_commands(sys.stdout)
    audience.tell(alone.__enter__)
    try:
        yield
    finally:
        audience.tell(lambda: alone.__exit__(None, None, None))


def _tell_github(verdicts: Sequence[Verdict], audience: Audience) -> None:
    from grader.report.github import annotate, summary

    for annotation in annotate(verdicts):
        audience.tell(partial(print, annotation))
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with open(page, "a", encoding="utf-8") as file:
            file.write(summary(verdicts))
