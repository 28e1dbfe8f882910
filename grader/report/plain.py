"""What a check found, as plain text: for viewers that show text and nothing else."""

from __future__ import annotations

from grader.report.text import visible
from grader.verdict import CheckOutcome, CheckResult, Finding


def told(check: CheckResult) -> str:
    """Why a check did not pass: its findings, or what the grader could not do."""
    if check.outcome is CheckOutcome.GRADER_ERROR:
        return visible(check.trouble)
    return "\n\n".join(paragraph(finding) for finding in check.findings)


def paragraph(finding: Finding) -> str:
    """One finding: what happened, why it is wrong, what to read, the run's story."""
    line = f" (line {finding.line})" if finding.line else ""
    parts = [f"{finding.id}{line}: {finding.message}"]
    if finding.why:
        parts.append(f"Why: {finding.why}")
    if finding.read:
        parts.append(f"Read: {', '.join(finding.read)}")
    return visible("\n".join([*parts, *finding.steps, *finding.timeline]))
