"""Reports with a nasty text wherever a submission or a student may have put one.

Beside the same ones with a harmless word there: all that is not text is the same.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from grader.catalog import find
from grader.cli import main
from grader.course.class_list import ClassList, GradedExercise, Student, save_class
from grader.course.commands import _tell
from grader.course.results import Result, Results
from grader.report.exercism import exercism
from grader.report.github import annotate, summary
from grader.report.gradescope import gradescope
from grader.report.junit import junit
from grader.report.terminal import Reporter, console
from grader.verdict import CheckOutcome, CheckResult, Finding, Verdict

HARMLESS = "word"
NASTY = {
    "a formula": '\t =HYPERLINK("http://192.0.2.1";"x")\r\n;=1+1\n,"=1+1',
    "a formula in wide letters": "\uff1d1+1|' /C calc'!A0",
    "a script": "</script></pre></style></title>--><script>x</script><!--<script>",
    "attributes": "\" onload=\"x\" ' onfocus='x' autofocus href=javascript:x >",
    "entities": "&lt;script&gt; &#60;img src=x onerror=x&#62; &amp;lt; &bogus; &",
    "the end of data": "]]></failure><testcase name='x'/><![CDATA[ <?x?> <!DOCTYPE x>",
    "Markdown": (
        "</pre></details>\n\n# 10 of 10\n\n| x | 10 / 10 |\n```\n![x](http://x) "
        "<http://192.0.2.1> @everyone #1 **x** [x]: http://x"
    ),
    "workflow commands": (
        "x\n::error::y\r::set-output name=a::b\u2028::add-mask::c\n"
        "##[command]z\n%0A::warning::w%25 ,title=v:"
    ),
    "a terminal's orders": (
        "\x1b]8;;http://x\x07y\x1b]8;;\x07\x9b31m\x1b[2J\x1bPq\x1b\\\b\r"
    ),
    "a console's markup": (
        "[/] [bold red]x[/bold] [link=http://x]y[/link] :warning: \\["
    ),
    "a template": "{{ 7*7 }}{% raw %}{# x #}${7*7}%(x)s {0.__class__}",
    "no Unicode": "\ud800 \udcff \x00 \ufffe \uffff \U0010ffff \udfff\ud83d",
    "turned and hidden": (
        "\u202e\u2066x\u2069\u200b\u200d\ufeff\u00ad\u115f\U000e0041\u0085"
    ),
    "a heap of marks": "Z" + "\u0301\u0489" * 2000 + "\ufdfd" * 50,
    "a shell's words": "$(touch x) `touch x` ; touch x # ' \" \\ ! * ~ -rf --help\n",
    "a path": "../../../etc/passwd\0/..\\..\\con .py ",
    "a long line": "x" * 100_000,
}


def _verdict(text: str) -> Verdict:
    finding = Finding(
        id="output-wrong",
        message=f"it printed {text}",
        why="It is wrong",
        read=("fork(2)",),
        line=3,
        schedule="take_turns",
        timeline=(f"   0.000 s  child 7  writes {text}", text),
        order=text,
        steps=(f"1 {text}",),
    )
    checks = (
        CheckResult("forks", "It forks", 3, 0, CheckOutcome.FAILED, (finding,)),
        CheckResult("waits", "It waits", 2, 2, CheckOutcome.PASSED),
    )
    return Verdict("exercise1", text, checks)


def _broken(text: str) -> Verdict:
    why = CheckOutcome.GRADER_ERROR
    check = CheckResult("forks", "It forks", 3, 0, why, error=text)
    return Verdict("exercise1", text, (check,), error=text)


nasty = pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
kinds = pytest.mark.parametrize("kind", [_verdict, _broken])
Kind = Callable[[str], Verdict]


def _acting(text: str) -> set[str]:
    """Characters that act, or that no text can have, but for ends of lines."""
    return {
        character
        for character in text
        if character not in "\n\t"
        and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")
    }


class _Shape(HTMLParser):
    """The tags of a page with the names of their attributes, and what it says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.addresses: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        leading = ("href", "src", "action")
        self.addresses |= {v or "" for name, v in attrs if name in leading}

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.tags.append(("!--", (data,)))


@nasty
@kinds
def test_a_terminal(text: str, kind: Kind) -> None:
    """Nothing acts there."""
    file = io.StringIO()
    reporter = Reporter(console(file))
    reporter.verdict(kind(text), find("exercise1"), whole=True)
    reporter.failure(text, kind(text))
    reporter.course([kind(text)], graded=1, unchanged=0, where=text)
    assert _acting(file.getvalue()) == set()


def test_a_name_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Where a student or a file is called like two, nothing begins on the second."""
    name = "a\n::error::x"
    file = io.StringIO()
    reporter = Reporter(console(file))
    reporter.verdict(Verdict("exercise1", name, ()), find("exercise1"), whole=True)
    reporter.failure(name, _broken("x"))
    reporter.failure("::error::x", _broken("x"))
    _tell(f"{name} handed in no program")
    told = file.getvalue() + capsys.readouterr().err
    assert told.count("a\\n::error::x") == 3
    assert not [line for line in told.splitlines() if line.lstrip().startswith("::")]


@nasty
@kinds
def test_junit(text: str, kind: Kind) -> None:
    """The same elements and attributes."""

    def shape(verdict: Verdict) -> list[tuple[str, list[str]]]:
        tree = ET.fromstring(junit([verdict]).encode())
        texts = [t for e in tree.iter() for t in (e.text, *e.attrib.values()) if t]
        assert _acting("".join(texts)) == set()
        return [(element.tag, [*element.attrib]) for element in tree.iter()]

    assert shape(kind(text)) == shape(kind(HARMLESS))


@nasty
@kinds
def test_json(text: str, kind: Kind) -> None:
    """It comes back as it was, from bytes that are UTF-8."""
    data = json.dumps(kind(text).as_json(), indent=2).encode()
    assert Verdict.from_json(json.loads(data)) == kind(text)
    json.loads(exercism(kind(text)).encode())
    json.loads(gradescope([_verdict(text)]).encode())


@nasty
@kinds
def test_annotations(text: str, kind: Kind) -> None:
    """One command on one line, which has these properties and no others."""
    (line,) = annotate([kind(text)])
    assert len(line.splitlines()) == 1
    assert _acting(line) == set()
    match = re.fullmatch(r"::error (.*?)::(.*)", line)
    assert match
    names = [one.partition("=")[0] for one in match[1].split(",")]
    assert names == ["file", *["line"] * (kind is _verdict), "title"]


@nasty
@kinds
def test_a_summary(text: str, kind: Kind) -> None:
    """Nothing in it is Markdown of somebody else's."""

    def outside(page: str) -> str:
        assert _acting(page) == set()
        return re.sub(r"<pre>.*?</pre>", "<pre></pre>", page, flags=re.DOTALL)

    page, harmless = (summary([kind(one)]) for one in (text, HARMLESS))
    assert _Shape(page).tags == _Shape(harmless).tags
    assert len(outside(page).splitlines()) == len(outside(harmless).splitlines())
    rest = re.sub(r"&#\d+;", "", outside(page).partition("\n\n")[2].partition("\n")[0])
    assert all(c.isalnum() or c in " ,/" for c in rest)


def _reports(folder: Path, text: str) -> tuple[Path, Path, Path]:
    """The report, feedback and gradebook of a class with a student who is called so."""
    results = Results(folder / "results")
    results.make()
    results.save(Result(text, text, text, None, False, "key", _verdict(text)))
    students = (Student(text, text, text, text, True, {"id": text}),)
    exercise = GradedExercise("exercise1", "Fork", find("exercise1").checks)
    save_class(results.folder, ClassList(students, (exercise,)))
    report, feedback = folder / "report.html", folder / "feedback"
    book = folder / "book.csv"
    words = ["report", str(results.folder), "-o", str(report)]
    assert main([*words, "--feedback", str(feedback)]) == 0
    assert main(["gradebook", str(results.folder), "-o", str(book)]) == 0
    return report, feedback, book


@nasty
def test_a_class(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Pages have the same tags, a table the same cells, and no cell acts."""
    shapes: list[list[object]] = []
    for number, one in enumerate((text, HARMLESS)):
        report, feedback, book = _reports(tmp_path / str(number), one)
        assert _acting("".join(capsys.readouterr())) == set()
        (page,) = feedback.iterdir()
        found: list[object] = []
        for file in (report, page):
            shape = _Shape(file.read_text(encoding="utf-8"))
            assert _acting("".join(shape.text)) == set()
            # What stands between backticks is shown as code.
            found.append([tag for tag in shape.tags if tag != ("code", ())])
            found.append({place for place in shape.addresses if place[:1] != "#"})
        with book.open(newline="", encoding="utf-8") as table:
            rows = [*csv.reader(table)]
        found.append([len(row) for row in rows])
        cells = [unicodedata.normalize("NFKC", c).lstrip() for r in rows for c in r]
        assert not [cell for cell in cells if cell.startswith(tuple("=+-@"))]
        shapes.append(found)
    assert shapes[0] == shapes[1]
