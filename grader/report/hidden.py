"""What students may read of hidden checks: which diagnosis, and not how it was found.

A hidden check's title, points, outcome and diagnoses are shown. What happened in its
runs is not, since that tells what it ran the program with: messages, lines, schedules
and stories stay in the verdict's JSON.
"""

from __future__ import annotations

from dataclasses import replace

from grader.diagnosis.texts import all_ids, text
from grader.mistake import told_in
from grader.verdict import CheckOutcome, CheckResult, Finding, Verdict

_TROUBLE = "the grader could not do its work; the verdict's JSON says why"


def for_students(verdict: Verdict) -> Verdict:
    """A verdict without what would give hidden checks away."""
    if not any(check.hidden for check in verdict.checks):
        return verdict
    checks = tuple(_without_secrets(check, verdict.error) for check in verdict.checks)
    error = _trouble(verdict.error) if verdict.error else ""
    return replace(verdict, checks=checks, error=error)


def _without_secrets(check: CheckResult, of_all: str) -> CheckResult:
    if check.outcome is CheckOutcome.GRADER_ERROR:
        # Also beside hidden checks: what pytest says may quote their file.
        own = not check.hidden and check.error != of_all and told_in(check.error)
        error = check.error if own else _trouble(check.error)
        return replace(check, findings=(), error=error)
    if not check.hidden or check.outcome is CheckOutcome.NOT_RUN:
        return check
    findings = tuple(map(_diagnosis_alone, check.findings))
    return replace(check, findings=findings, timeline=())


def _trouble(error: str) -> str:
    """What may be said of it: where there is a mistake in checks, and not which."""
    mistake = told_in(error)
    if mistake is None:
        return _TROUBLE
    return (
        f"the checks fail themselves, at {mistake.place}; the verdict's JSON says why"
    )


def _diagnosis_alone(finding: Finding) -> Finding:
    if finding.id not in all_ids():
        return Finding(finding.id, "found by a hidden check")
    known = text(finding.id)
    return Finding(finding.id, known.title, known.why, known.read)
