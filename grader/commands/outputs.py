"""What grading writes beside its text: files for other programs, words for GitHub."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.verdict import Verdict


def write_all(
    arguments: argparse.Namespace, verdicts: Sequence[Verdict], data: str
) -> None:
    """Write what was asked for; `data` is the JSON of the verdicts."""
    from grader.files import write_whole

    if arguments.json is not None:
        write_whole(arguments.json, data + "\n")
    if arguments.junit is not None:
        from grader.report.junit import junit

        write_whole(arguments.junit, junit(verdicts))
    if arguments.exercism is not None:
        from grader.report.exercism import exercism

        (verdict,) = verdicts  # it is asked for one exercise
        write_whole(arguments.exercism, exercism(verdict))
    if arguments.gradescope is not None:
        _write_gradescope(arguments.gradescope, verdicts)
    if arguments.github:
        _tell_github(verdicts)


def _write_gradescope(path: Path, verdicts: Sequence[Verdict]) -> None:
    from grader.files import remove, write_whole
    from grader.report.gradescope import gradescope
    from grader.verdict import Outcome

    if any(verdict.outcome is Outcome.GRADER_ERROR for verdict in verdicts):
        # Without the file Gradescope says that the autograder failed, which is so.
        remove(path)
    else:
        write_whole(path, gradescope(verdicts))


def text_alone(arguments: argparse.Namespace) -> AbstractContextManager[None]:
    """What is printed meanwhile are no commands to whoever runs this job."""
    if not arguments.github:
        return nullcontext()
    from grader.report.github import without_commands

    return without_commands(sys.stdout)


def _tell_github(verdicts: Sequence[Verdict]) -> None:
    from grader.report.github import annotate, summary

    for annotation in annotate(verdicts):
        print(annotation)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with open(page, "a", encoding="utf-8") as file:
            file.write(summary(verdicts))
