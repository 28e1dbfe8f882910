"""Verdicts as Gradescope's ``results.json``.

Where the grader itself could not do its work there is no such file: Gradescope then
says that the autograder failed, and gives no score.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from grader.report.hidden import for_students
from grader.report.plain import paragraph, told
from grader.report.text import visible
from grader.verdict import CheckOutcome, CheckResult, Outcome, Verdict


class Visibility(StrEnum):
    """When students see a result."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    AFTER_DUE_DATE = "after_due_date"
    AFTER_PUBLISHED = "after_published"


def gradescope(
    verdicts: Sequence[Verdict], visibility: Visibility = Visibility.VISIBLE
) -> str:
    """The file's text: a test for each check, numbered by exercise and check.

    Students see a hidden check when grades are published, never sooner.
    What the autograder prints itself stays hidden: it may hold what a hidden check
    found. Raises ``ValueError`` where the grader could not do its work.
    """
    if any(verdict.outcome is Outcome.GRADER_ERROR for verdict in verdicts):
        raise ValueError("there is no score where the grader could not do its work")
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    data = {
        "score": sum(verdict.score for verdict in verdicts),
        "output": "\n\n".join(paragraph(finding) for finding in findings),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": visibility.value,
        "stdout_visibility": Visibility.HIDDEN.value,
        "tests": [
            _test(verdict, check, f"{place}.{number}", visibility)
            for place, verdict in enumerate(map(for_students, verdicts), start=1)
            for number, check in enumerate(verdict.checks, start=1)
        ],
    }
    return json.dumps(data, indent=2) + "\n"


def _test(
    verdict: Verdict, check: CheckResult, number: str, visibility: Visibility
) -> dict[str, Any]:
    passed = check.outcome is CheckOutcome.PASSED
    if check.hidden and visibility is not Visibility.HIDDEN:
        visibility = Visibility.AFTER_PUBLISHED
    return {
        "name": visible(check.title),
        "number": number,
        "score": check.earned,
        "max_score": check.points,
        "status": "passed" if passed else "failed",
        "output": "" if passed else told(verdict, check),
        "tags": [verdict.exercise, *(finding.id for finding in check.findings)],
        "visibility": visibility.value,
        "extra_data": {"exercise": verdict.exercise, "check": check.id},
    }
