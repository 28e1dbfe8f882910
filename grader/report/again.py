"""How to see again what went wrong in one order of events."""

from __future__ import annotations

import re
import shlex

from grader.verdict import CheckResult, Finding, Verdict

# As `exploring.choices` writes them; to load that takes longer than a report.
_CODE = re.compile(r"x(\d[\da-z+-]*)?")


def is_searched(schedule: str) -> bool:
    """Whether a search found a run, which is then known by a code."""
    return _CODE.fullmatch(schedule) is not None


def see_again(
    verdict: Verdict, check: CheckResult, finding: Finding, *, file: bool = False
) -> str:
    """The command that brings about a finding's run again, in its check.

    Empty where no search found it: then grading does that anyway. `file`: it names the
    submission.
    """
    if not is_searched(finding.schedule):
        return ""
    words = ["grade", verdict.exercise]
    if file:
        words.append(verdict.submission)
    words += ["--check", check.id, "--schedule", finding.schedule]
    return shlex.join(words)
