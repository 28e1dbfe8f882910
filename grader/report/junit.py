"""Verdicts as JUnit XML, which the viewers of CI systems read."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from grader.report.hidden import for_students
from grader.report.plain import told
from grader.report.text import xml_text
from grader.verdict import CheckOutcome, CheckResult, Finding, Verdict


def junit(verdicts: Sequence[Verdict]) -> str:
    """One test suite an exercise, one test case a check.

    A check that did not pass is a failure, also one that was not run: viewers show
    what is skipped in green.
    """
    root = ET.Element("testsuites", {"name": "forklab", **_totals(verdicts)})
    for verdict in map(for_students, verdicts):
        suite = ET.SubElement(
            root, "testsuite", {"name": verdict.exercise, **_totals([verdict])}
        )
        for check in verdict.checks:
            _case(suite, verdict, check)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _totals(verdicts: Sequence[Verdict]) -> dict[str, str]:
    checks = [check for verdict in verdicts for check in verdict.checks]
    errors = sum(c.outcome is CheckOutcome.GRADER_ERROR for c in checks)
    passed = sum(c.outcome is CheckOutcome.PASSED for c in checks)
    return {
        "tests": str(len(checks)),
        "failures": str(len(checks) - errors - passed),
        "errors": str(errors),
        "skipped": "0",
    }


def _case(suite: ET.Element, verdict: Verdict, check: CheckResult) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"forklab.{verdict.exercise}",
        name=check.id,
        file=xml_text(verdict.submission),
    )
    properties = ET.SubElement(case, "properties")
    for key, value in (
        ("title", check.title),
        ("earned", str(check.earned)),
        ("points", str(check.points)),
    ):
        ET.SubElement(properties, "property", name=key, value=value)
    if check.outcome is CheckOutcome.PASSED:
        return
    if check.outcome is CheckOutcome.GRADER_ERROR:
        what = check.trouble
        error = ET.SubElement(
            case, "error", type="grader-error", message=xml_text(_last_line(what))
        )
        error.text = xml_text(what)
        return
    findings = check.findings
    first = findings[0] if findings else Finding("not-run", "the check was not run")
    failure = ET.SubElement(
        case, "failure", type=first.id, message=xml_text(first.message)
    )
    failure.text = xml_text(told(verdict, check))


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else ""
