"""What CI systems and course platforms read: golden files, and what they prescribe."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.report.exercism import exercism
from grader.report.github import annotate, summary, without_commands
from grader.report.gradescope import Visibility, gradescope
from grader.verdict import Outcome, Verdict
from tests.conftest import Golden
from tests.report.tags import Tags
from tests.report.verdicts import AGAIN, FAILED, HOSTILE, PARTIAL, VERDICTS

SCHEMAS = Path(__file__).parent / "schemas"
JUDGED = [
    name
    for name, verdict in VERDICTS.items()
    if verdict.outcome is not Outcome.GRADER_ERROR
]


def _validate(document: str, schema: str) -> None:
    prescribed = json.loads((SCHEMAS / f"{schema}.json").read_text())
    jsonschema.validate(json.loads(document), prescribed)


@pytest.mark.parametrize("name", VERDICTS)
def test_exercism(golden: Golden, name: str) -> None:
    """Version 3, a test for each check."""
    document = exercism(VERDICTS[name])
    golden(f"{name}-exercism.json", document)
    _validate(document, "exercism")


@pytest.mark.parametrize("name", JUDGED)
def test_gradescope(golden: Golden, name: str) -> None:
    """The score is the sum of the tests'."""
    document = gradescope([VERDICTS[name], PARTIAL], Visibility.AFTER_DUE_DATE)
    golden(f"{name}-gradescope.json", document)
    _validate(document, "gradescope")
    data = json.loads(document)
    assert data["score"] == sum(test["score"] for test in data["tests"])
    checks = [*VERDICTS[name].checks, *PARTIAL.checks]
    assert [test["visibility"] for test in data["tests"]] == [
        "after_published" if check.hidden else "after_due_date" for check in checks
    ]


def test_gradescope_gives_no_score_where_the_grader_failed() -> None:
    """Rather no file than a zero that nobody earned."""
    with pytest.raises(ValueError, match="could not do its work"):
        gradescope([VERDICTS["grader-error"]])


@pytest.mark.parametrize("name", VERDICTS)
def test_github_annotations(golden: Golden, name: str) -> None:
    """One line a check that did not pass."""
    lines = annotate([VERDICTS[name]])
    golden(f"{name}-annotations.txt", "".join(f"{line}\n" for line in lines))
    form = re.compile(r"::error file=[^,:]*(,line=\d+)?,title=[^,:]*::[^\r\n]*")
    assert all(form.fullmatch(line) for line in lines)


def test_github_shows_few_annotations() -> None:
    """More than ten of one step are not shown, so that each says something new."""
    first = FAILED.findings[0]
    found = [replace(first, message=f"{number}") for number in range(40)]
    checks = [replace(FAILED, findings=(finding,)) for finding in found]
    assert len(annotate([replace(PARTIAL, checks=tuple(checks))])) == 10
    assert len(annotate([replace(PARTIAL, checks=(FAILED,) * 40)])) == 1
    (line,) = annotate([VERDICTS["not-run"]])
    assert f"title={VERDICTS['not-run'].exercise} (cannot-load)::" in line


@pytest.mark.parametrize("name", VERDICTS)
def test_github_summary(golden: Golden, name: str) -> None:
    """A table, and what is wrong folded below it."""
    page = summary([VERDICTS[name]])
    golden(f"{name}-summary.md", page)
    assert "\x1b" not in page
    assert "</failure>" not in page


def test_github_summary_is_cut_where_it_would_not_be_shown() -> None:
    """It says so, and no tag stays open."""
    long = replace(AGAIN, findings=(replace(AGAIN.findings[0], message="x" * 300_000),))
    page = summary([replace(PARTIAL, checks=(long,) * 4)])
    assert len(page.encode()) < 1 << 20
    assert page.count("<pre>") == page.count("</pre>") == 2
    assert "too long for this page" in page


@given(st.text())
def test_no_text_of_a_submission_is_more_than_text(text: str) -> None:
    """Neither a command, nor a tag of its own, nor a line of the table."""
    finding = replace(FAILED.findings[0], message=text, why=text, timeline=(text,))
    verdict = Verdict(
        "exercise2", text, (replace(FAILED, title=text, findings=(finding,)),)
    )
    assert all("\n" not in line and "\r" not in line for line in annotate([verdict]))
    tags = Tags()
    page = summary([verdict])
    tags.feed(page)
    assert tags.seen == {"details", "summary", "pre"}
    assert sum(line.startswith("|") for line in page.split("<pre>")[0].split("\n")) == 3
    _validate(gradescope([verdict]), "gradescope")
    _validate(exercism(verdict), "exercism")


def test_commands_are_off_while_text_is_printed() -> None:
    """With another word each time, which ends on a line of its own."""
    words = set()
    for _ in range(2):
        output = io.StringIO()
        with without_commands(output):
            print(HOSTILE, end="", file=output)
        first, *_, last = output.getvalue().splitlines()
        word = first.removeprefix("::stop-commands::")
        assert last == f"::{word}::"
        words.add(word)
    assert len(words) == 2
