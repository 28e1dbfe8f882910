"""What is compared between two gradings of one file."""

from __future__ import annotations

from grader.verdict import Verdict

# Outcome, and of each check its id, its outcome and its findings.
Essence = tuple[str, tuple[tuple[str, str, tuple[str, ...]], ...]]


def essence(verdict: Verdict) -> Essence:
    """A verdict without its words."""
    checks = tuple(
        (c.id, c.outcome.value, tuple(f.id for f in c.findings)) for c in verdict.checks
    )
    return verdict.outcome.value, checks
