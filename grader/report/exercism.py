"""A verdict as the ``results.json`` of an Exercism test runner, version 3."""

from __future__ import annotations

import json
from typing import Any

from grader.report.hidden import for_students
from grader.report.plain import paragraph, told
from grader.report.text import visible
from grader.verdict import CheckOutcome, CheckResult, Outcome, Verdict

_VERSION = 3

_STATUS = {
    CheckOutcome.PASSED: "pass",
    CheckOutcome.FAILED: "fail",
    CheckOutcome.NOT_RUN: "error",
    CheckOutcome.GRADER_ERROR: "error",
}


def exercism(verdict: Verdict) -> str:
    """The file's text: a test for each check, in their order.

    Exercism knows no points; a check is one task, by its place.
    """
    verdict = for_students(verdict)
    status, message = _whole(verdict)
    data = {
        "version": _VERSION,
        "status": status,
        "message": message,
        "tests": [
            _test(verdict, check, task)
            for task, check in enumerate(verdict.checks, start=1)
        ],
    }
    return json.dumps(data, indent=2) + "\n"


def _whole(verdict: Verdict) -> tuple[str, str | None]:
    if verdict.findings:
        return "error", "\n\n".join(paragraph(finding) for finding in verdict.findings)
    if verdict.outcome is Outcome.GRADER_ERROR:
        said = verdict.trouble or "no reason is known"
        return "error", visible(f"the grader could not do its work: {said}")
    return ("pass" if verdict.outcome is Outcome.FULL else "fail"), None


def _test(verdict: Verdict, check: CheckResult, task: int) -> dict[str, Any]:
    passed = check.outcome is CheckOutcome.PASSED
    return {
        "name": visible(check.title),
        "status": _STATUS[check.outcome],
        "message": None if passed else told(verdict, check),
        "task_id": task,
    }
