"""The formats, against golden files, with text that a hostile program could print."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from grader.catalog import find
from grader.report.junit import junit
from grader.report.terminal import Reporter
from grader.report.text import visible, xml_text
from grader.verdict import CheckOutcome, Finding, Verdict
from tests.conftest import Golden
from tests.report.verdicts import FAILED, VERDICTS

JUNIT = xmlschema.XMLSchema(Path(__file__).parent / "schemas" / "junit.xsd")


@pytest.mark.parametrize("name", VERDICTS)
def test_json(golden: Golden, name: str) -> None:
    """Schema 1, key by key; and back again."""
    data = json.dumps(VERDICTS[name].as_json(), indent=2) + "\n"
    golden(f"{name}.json", data)
    assert Verdict.from_json(json.loads(data)) == VERDICTS[name]


@pytest.mark.parametrize("data", [{}, {"schema": 2}, {"schema": 1, "checks": 3}])
def test_json_of_something_else_is_refused(data: dict[str, object]) -> None:
    """With a word that says so."""
    with pytest.raises(ValueError, match="schema 1"):
        Verdict.from_json(data)


@pytest.mark.parametrize("name", VERDICTS)
def test_junit(golden: Golden, name: str) -> None:
    """What did not pass is a failure or an error, never skipped."""
    document = junit([VERDICTS[name]])
    golden(f"{name}.xml", document)
    JUNIT.validate(document)
    root = ET.fromstring(document)
    passed = [case for case in root.iter("testcase") if len(case) == 1]
    assert len(passed) == sum(
        check.outcome is CheckOutcome.PASSED for check in VERDICTS[name].checks
    )


def _terminal(verdict: Verdict, width: int, *, encoding: str = "utf-8") -> str:
    data = io.BytesIO()
    file = io.TextIOWrapper(data, encoding=encoding, errors="backslashreplace")
    console = Console(
        file=file, width=width, highlight=False, markup=False, emoji=False
    )
    reporter = Reporter(console)
    reporter.verdict(verdict, find("exercise2"), whole=False)
    reporter.next_step(verdict, "exercise3")
    file.flush()
    return data.getvalue().decode(encoding)


@pytest.mark.parametrize("name", VERDICTS)
@pytest.mark.parametrize("width", [40, 80, 100])
def test_terminal(golden: Golden, name: str, width: int) -> None:
    """It fits its width, has no trailing blanks, and acts on no terminal."""
    printed = _terminal(VERDICTS[name], width)
    golden(f"{name}-{width}.txt", printed)
    assert all(len(line) <= width for line in printed.splitlines())
    assert all(line == line.rstrip() for line in printed.splitlines())
    assert "\x1b" not in printed


def test_cures() -> None:
    """Each once, and its own for a finding that has one."""
    findings = (
        Finding("child-escaped", "the child did", cure="Fork once."),
        Finding("child-escaped", "it did so again", cure="Fork once."),
        Finding("child-escaped", "the parent did"),
        Finding("child-escaped", "it did so again"),
    )
    verdict = Verdict("exercise1", "fork.py", (replace(FAILED, findings=findings),))
    told = _terminal(verdict, 100)
    assert told.count("Do: Fork once.") == 1
    assert told.count("Do: End the child where") == 1
    assert told.count("Do:") == 2
    assert Verdict.from_json(json.loads(json.dumps(verdict.as_json()))) == verdict


def test_terminal_without_unicode() -> None:
    """Marks that ASCII has, and nothing that it has not."""
    printed = _terminal(VERDICTS["partial"], 80, encoding="ascii")
    assert "ok  3 / 3" in printed
    assert "no  0 / 2" in printed
    assert printed.isascii()


@given(st.text())
def test_visible_text_does_nothing(text: str) -> None:
    """What is left prints, or is a line's end or a tab."""
    assert all(c.isprintable() or c in "\n\t" or c.isspace() for c in visible(text))


@given(st.text())
def test_xml_holds_any_text(text: str) -> None:
    """Whatever a program printed makes a document that can be read."""
    element = ET.Element("failure", message=xml_text(text))
    element.text = xml_text(text)
    assert ET.fromstring(ET.tostring(element)).tag == "failure"
