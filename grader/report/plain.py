"""What a check found, as plain text: for viewers that show text and nothing else."""

from __future__ import annotations

import re

from grader.report.again import see_again
from grader.report.text import visible
from grader.verdict import CheckOutcome, CheckResult, Finding, Verdict


def told(verdict: Verdict, check: CheckResult) -> str:
    """Why a check did not pass: its findings, or what the grader could not do."""
    if check.outcome is CheckOutcome.GRADER_ERROR:
        return visible(check.trouble)
    first, *others = check.findings or (Finding("not-run", "the check was not run"),)
    told = [paragraph(first, see_again(verdict, check, first))]
    return "\n\n".join([*told, *map(paragraph, others)])


def paragraph(finding: Finding, again: str = "") -> str:
    """One finding: what happened, why it is wrong, what to read, the run's story.

    `again` is the command that brings about that run again.
    """
    parts = [f"{finding.id}{in_line(finding)}: {finding.message}"]
    if finding.why:
        parts.append(f"Why: {finding.why}")
    if finding.read:
        parts.append(f"Read: {', '.join(finding.read)}")
    parts += [*finding.steps, *finding.timeline]
    if again:
        parts.append(f"To see it again: {again}")
    return visible("\n".join(parts))


def in_line(finding: Finding) -> str:
    """Where in the submission a finding is, if its message does not say so itself."""
    line = f"line {finding.line}"
    said = re.search(rf"\b{line}\b", finding.message)
    return "" if said or finding.line is None else f" ({line})"
