"""A class -> HTML: one file that needs no other, and one for each student.

What submissions printed or are called may be hostile. Everything that is put into a
template is escaped there, after characters that act have been written out; a policy in
the page lets only its own style and script, known by their digests, do anything.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grader import __version__
from grader.classreport import charts, statistics
from grader.classreport.prose import explained, inline, prose
from grader.classreport.reading import Course, for_students
from grader.course.class_list import Student
from grader.course.results import Result
from grader.picture.data import loads
from grader.picture.svg import STYLE, figure
from grader.report.again import see_again
from grader.report.repeats import Told
from grader.report.text import counted, visible
from grader.verdict import CheckOutcome, CheckResult, Finding, Outcome, Verdict

_TEMPLATES = Path(__file__).parent / "templates"

_STATES = {
    "full": "full marks",
    "partial": "some points",
    "none": "no points",
    "grader-error": "not graded: the grader failed",
    "unreadable": "handed in, but not a program",
    "missing": "not handed in",
}
_MARKS = {
    CheckOutcome.PASSED: ("✓", "passed"),
    CheckOutcome.FAILED: ("✗", "not passed"),
    CheckOutcome.NOT_RUN: ("·", "not run"),
    CheckOutcome.GRADER_ERROR: ("!", "the grader failed"),
}


def class_page(course: Course, made: date, *, anonymous: bool = False) -> str:
    """The report on a class."""
    found = statistics.misconceptions(course)
    style, script = _style(), _own("script.js")
    figures = statistics.figures(course)
    return (
        _environment()
        .get_template("report.html")
        .render(
            course=course,
            made=made.isoformat(),
            anonymous=anonymous,
            style=style,
            script=script,
            policy=_policy(style, script),
            figures=figures,
            everybody=max((f.everybody for f in figures), default=0),
            outside=sum(s.enrolled is False for s in course.students),
            highest=max((b.count for f in figures for b in f.bins), default=0),
            checks=statistics.check_figures(course),
            misconceptions=found,
            rules=statistics.against_rules(found),
            forbidden=statistics.FORBIDDEN,
            alike=statistics.alike(course),
            rows=statistics.matrix(course),
            numbers={s.student: n for n, s in enumerate(course.students, 1)},
            sections=sorted({s.section for s in course.students if s.section}),
            pictures=_Pictures(),
        )
    )


def feedback_pages(course: Course, made: date) -> dict[str, str]:
    """A page for each student, with nothing of anybody else's."""
    style = _style()
    page = _environment().get_template("feedback.html")
    course = for_students(course)
    return {
        row.student.student: page.render(
            row=row,
            course=course,
            made=made.isoformat(),
            style=style,
            policy=_policy(style),
            pictures=_Pictures(),
        )
        for row in statistics.matrix(course)
    }


class _Pictures:
    """Draws the pictures of one page, each with ids of its own."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, finding: Finding) -> Markup | None:
        """The picture of a finding's run; None where there is none to draw."""
        if not finding.picture:
            return None
        try:
            picture = loads(finding.picture)
        except ValueError:
            return None  # of another version: the story tells it
        self._count += 1
        drawn = figure(picture, "What the processes did", f"p{self._count}")
        return Markup(drawn)  # `figure` has escaped all that came from a submission


@cache
def _style() -> Markup:
    return _own("style.css") + Markup(STYLE)


@cache
def _own(name: str) -> Markup:
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


def _policy(style: str, script: str = "") -> Markup:
    """What the page may do: nothing but its own style and script."""
    allowed = f"default-src 'none'; style-src {_digest(style)}; "
    if script:
        allowed += f"script-src {_digest(script)}; "
    return Markup(f"{allowed}base-uri 'none'; form-action 'none'")


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": prose, "inline": inline, "percent": _percent}
    environment.globals |= {
        "version": __version__,
        "explained": explained,
        "histogram": charts.histogram,
        "stacked": charts.stacked,
        "states": _STATES,
        "marks": _MARKS,
        "checks_of": _checks_of,
        "error_of": _error_of,
        "called": _called,
        "plural": counted,
        "see_again": see_again,
    }
    return environment


def _shown(value: object) -> object:
    """What a template writes of a value: text without characters that act."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return visible(value)


def _percent(part: float) -> str:
    """A part of a whole; only all of it is 100 %, and only nothing of it 0 %."""
    rounded = round(part * 100)
    if 0 < part < 1:
        rounded = min(max(rounded, 1), 99)
    return f"{rounded} %"


def _called(student: Student) -> str:
    return student.name or student.student


def _checks_of(verdict: Verdict) -> list[tuple[CheckResult, bool]]:
    """The checks, each with whether all that it says has been said above it."""
    told = Told()
    return [(check, told.repeats(check)) for check in verdict.checks]


def _error_of(result: Result | None) -> str:
    """What the grader could not do; empty where it made a verdict."""
    if result is None or result.verdict.outcome is not Outcome.GRADER_ERROR:
        return ""
    return (result.verdict.trouble.strip() or "no reason").splitlines()[-1]
