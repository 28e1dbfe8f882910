"""What has been told already, so that nobody reads it twice."""

from __future__ import annotations

import re

from grader.verdict import CheckResult, Finding


class Told:
    """All that the checks of one verdict said so far."""

    def __init__(self) -> None:
        self._stories: set[str] = set()

    def repeats(self, check: CheckResult) -> bool:
        """Whether all that went wrong here, but for its pids, has been told."""
        stories = {_without_numbers(finding) for finding in check.findings}
        known = bool(stories) and stories <= self._stories
        self._stories |= stories
        return known


def _without_numbers(finding: Finding) -> str:
    return re.sub(r"\d+", "0", f"{finding.id}: {finding.message}")
