"""What students read of hidden checks: the diagnosis, and not how it was found."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from grader.catalog import find
from grader.report.exercism import exercism
from grader.report.github import annotate, summary
from grader.report.gradescope import Visibility, gradescope
from grader.report.hidden import for_students
from grader.report.junit import junit
from grader.report.terminal import Reporter
from grader.verdict import CheckOutcome, CheckResult, Finding, Outcome, Verdict

# The number that a hidden check ran the program with, wherever it could be told.
SECRET = "4711"

FINDING = Finding(
    "zombie-left",
    f"with COUNT {SECRET} the child was never collected",
    "A child that has ended stays a zombie.",
    ("wait(2)",),
    int(SECRET),
    f"schedule_{SECRET}",
    (f"0.000 s  parent  runs exercise2.py {SECRET}",),
    order=f"the child waits for {SECRET} calls",
)
UNKNOWN = replace(FINDING, id="of-another-course")
CHECK = CheckResult(
    "many",
    "Many numbers do no harm",
    2,
    0,
    CheckOutcome.FAILED,
    (FINDING, UNKNOWN),
    hidden=True,
)
VERDICT = Verdict("exercise2", "pipe.py", (CHECK,))
BROKEN = replace(
    CHECK, outcome=CheckOutcome.GRADER_ERROR, findings=(), error=f"assert {SECRET}"
)


def _terminal(verdict: Verdict, *, whole: bool = True) -> str:
    file = io.StringIO()
    reporter = Reporter(Console(file=file, width=200, markup=False, highlight=False))
    reporter.verdict(verdict, find("exercise2"), whole=whole)
    reporter.next_step(verdict, None)
    return file.getvalue()


FORMATS: dict[str, Callable[[Verdict], str]] = {
    "terminal": _terminal,
    "JUnit": lambda verdict: junit([verdict]),
    "Exercism": exercism,
    "GitHub's annotations": lambda verdict: "\n".join(annotate([verdict])),
    "GitHub's summary": lambda verdict: summary([verdict]),
    "Gradescope": lambda verdict: gradescope([verdict]),
}


@pytest.mark.parametrize("form", FORMATS)
def test_what_a_hidden_check_ran_is_not_told(form: str) -> None:
    """The diagnosis is, in its own words."""
    text = FORMATS[form](VERDICT)
    assert SECRET not in text
    assert "zombie-left" in text
    assert "status was never collected" in text


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_is_told_where_nothing_is_hidden(form: str) -> None:
    """So the test above does not pass for want of words."""
    seen = replace(VERDICT, checks=(replace(CHECK, hidden=False),))
    assert SECRET in FORMATS[form](seen)


@pytest.mark.parametrize("form", [name for name in FORMATS if name != "Gradescope"])
def test_the_grader_s_own_failures_quote_no_hidden_check(form: str) -> None:
    """Nor those of the public checks beside it, since pytest quotes what it read."""
    public = replace(BROKEN, hidden=False)
    verdict = replace(VERDICT, checks=(public, BROKEN), error=f"collecting {SECRET}")
    text = FORMATS[form](verdict)
    assert SECRET not in text
    assert for_students(verdict).outcome is Outcome.GRADER_ERROR


def test_what_is_not_hidden_stays() -> None:
    """A public check's findings, and why a program could not be run at all."""
    public = replace(CHECK, id="few", hidden=False)
    not_run = replace(CHECK, outcome=CheckOutcome.NOT_RUN)
    shown = for_students(replace(VERDICT, checks=(public, CHECK, not_run)))
    assert (shown.checks[0], shown.checks[2]) == (public, not_run)
    assert for_students(shown) == shown


def test_only_json_tells_all() -> None:
    """It says which checks are hidden; one written before they were says none."""
    data = VERDICT.as_json()
    assert SECRET in json.dumps(data)
    assert data["checks"][0]["hidden"] is True
    assert Verdict.from_json(data) == VERDICT
    del data["checks"][0]["hidden"]
    assert not Verdict.from_json(data).checks[0].hidden


@pytest.mark.parametrize(
    ("whole", "hidden"),
    [
        (Visibility.VISIBLE, "after_published"),
        (Visibility.AFTER_DUE_DATE, "after_published"),
        (Visibility.HIDDEN, "hidden"),
    ],
)
def test_when_gradescope_shows_them(whole: Visibility, hidden: str) -> None:
    """When grades are published, unless nothing is ever shown."""
    public = replace(CHECK, hidden=False)
    verdict = replace(VERDICT, checks=(public, CHECK))
    tests = json.loads(gradescope([verdict], whole))["tests"]
    assert [test["visibility"] for test in tests] == [whole.value, hidden]
