"""How to see again what went wrong in one order of events."""

from __future__ import annotations

import shlex

from grader.verdict import CheckResult, Finding, Verdict


def see_again(
    verdict: Verdict, check: CheckResult, finding: Finding, *, file: bool = False
) -> str:
    """The command that brings about a finding's run again, in its check.

    Empty where no search found it: then grading does that anyway. `file`: it names the
    submission.
    """
    if not _was_searched(finding.schedule):
        return ""
    words = ["grade", verdict.exercise]
    if file:
        words.append(verdict.submission)
    words += ["--check", check.id, "--schedule", finding.schedule]
    return shlex.join(words)


def _was_searched(schedule: str) -> bool:
    from grader.exploring.choices import decode

    try:
        decode(schedule)
    except ValueError:
        return False
    return True
