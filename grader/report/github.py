"""Verdicts for GitHub Actions: annotations at the student's lines, and a summary.

A runner takes lines of a job's output that begin with ``::`` for commands, and a
submission can make us print such lines. So commands are switched off, with a word that
nobody can guess, while anything else is printed.
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from grader.report.again import see_again
from grader.report.hidden import for_students
from grader.report.plain import told
from grader.report.text import visible
from grader.verdict import CheckOutcome, CheckResult, Finding, Outcome, Verdict

# A step's summary may have 1 MiB; what is longer is not shown at all.
_LONGEST = 900_000

# More annotations than this of one step are not shown.
_MOST = 10


@contextmanager
def without_commands(output: TextIO) -> Iterator[None]:
    """Whatever is printed meanwhile is text, and nothing else."""
    word = secrets.token_hex(16)
    print(f"::stop-commands::{word}", file=output, flush=True)
    try:
        yield
    finally:
        print(f"\n::{word}::", file=output, flush=True)


def annotate(verdicts: Sequence[Verdict]) -> list[str]:
    """Workflow commands that show what was found beside the submission's lines.

    What is the same of several checks is shown with the first: there is room for few.
    """
    annotations: dict[tuple[str, str, int | None, str], str] = {}
    for verdict in map(for_students, verdicts):
        for check in verdict.checks:
            for finding in check.findings[:1] or _errors(check):
                what = finding.id, finding.line, finding.message
                annotation = _annotation(verdict, check, finding)
                annotations.setdefault((verdict.submission, *what), annotation)
    return [*annotations.values()][:_MOST]


def _errors(check: CheckResult) -> list[Finding]:
    if check.outcome is CheckOutcome.PASSED:
        return []
    return [Finding("grader-error", check.trouble)]


def _annotation(verdict: Verdict, check: CheckResult, finding: Finding) -> str:
    where = {"file": verdict.submission}
    if finding.line is not None:
        where["line"] = str(finding.line)
    of_all = finding in verdict.findings
    where["title"] = f"{verdict.exercise if of_all else check.title} ({finding.id})"
    properties = ",".join(f"{key}={_property(text)}" for key, text in where.items())
    message = finding.message + (f"\n{finding.why}" if finding.why else "")
    again = see_again(verdict, check, finding)
    message += f"\nTo see it again: {again}" if again else ""
    return f"::error {properties}::{_data(message)}"


def _data(text: str) -> str:
    escaped = visible(text).replace("%", "%25")
    return escaped.replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(verdicts: Sequence[Verdict]) -> str:
    """Markdown for the job's page: a table of checks, and below it why each failed."""
    parts = [
        part for verdict in map(for_students, verdicts) for part in _sections(verdict)
    ]
    text = ""
    for part in parts:
        if len(text.encode()) + len(part.encode()) > _LONGEST:
            return text + "\nThe rest is too long for this page; see the log.\n"
        text += part
    return text


def _sections(verdict: Verdict) -> Iterator[str]:
    score = f"{verdict.score} of {verdict.max_score} points"
    if verdict.outcome is Outcome.GRADER_ERROR:
        score = "the grader could not do its work, so this is no score"
    yield f"## {verdict.exercise}: {score}\n\n{_inert(verdict.submission)}\n\n"
    yield "| outcome | points | check |\n| --- | --- | --- |\n"
    for check in verdict.checks:
        yield (
            f"| {check.outcome.value} | {check.earned} / {check.points} "
            f"| {_inert(check.title)} |\n"
        )
    yield "\n"
    for check in verdict.checks:
        if check.outcome is not CheckOutcome.PASSED:
            yield (
                f"<details><summary>{_inert(check.title)}</summary>\n\n"
                f"<pre>{html.escape(told(verdict, check))}</pre>\n\n</details>\n\n"
            )


def _inert(text: str) -> str:
    """Text on one line that means nothing in Markdown, nor in HTML."""
    return "".join(
        c if c.isalnum() or c in " ,/" else f"&#{ord(c)};"
        for c in " ".join(visible(text).split())
    )
