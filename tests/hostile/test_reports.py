"""What a submission says is text, and nothing else, wherever it is told.

Programs that print, raise and name what could act are graded and traced by the
commands themselves, and what these print and write is looked at by whoever would act: a
browser, a spreadsheet's rules, a reader of XML, the rules of workflow commands.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.classreport.test_browser import CHROMIUM, DRIVER, Browser, browser
from tests.hostile.attacks import attacks
from tests.hostile.course import ROOT
from tests.report.tags import Tags

__all__ = ["browser"]

TALKING = [attack for attack in attacks() if attack.name.startswith("talking-")]
NAMES = (
    "=cmd|' C calc'!A0",
    "+1+1",
    "@SUM(1)",
    "<img src=x onerror=window.attacked=1>",
    "::error::x",
    "\u202eada",
    "a\x1b[2Jb",
    "**x** [y](z)",
)

needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium and its driver are not installed"
)


@dataclass(frozen=True, slots=True)
class Reports:
    """A class of hostile programs, graded: where, and what was printed meanwhile."""

    folder: Path
    printed: dict[str, str]

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """Every report that there is."""
    folder = tmp_path_factory.mktemp("reports")
    printed = {}
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(folder / "state"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }

    def grade(*words: str) -> str:
        done = subprocess.run(
            # As the script does it: what lies in this folder is never imported.
            [sys.executable, "-P", "-m", "grader", *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode in (0, 1), done.stderr.decode()
        return (done.stdout + done.stderr).decode()

    for name, attack in zip(NAMES, TALKING, strict=True):
        file = folder / "class" / name / "exercise1.py"
        file.parent.mkdir(parents=True)
        file.write_bytes(attack.aimed({}))
    # One file talks in all ways at once where a command takes one file alone.
    every = [f"def talk_{n}():\n{_indented(a.source)}" for n, a in enumerate(TALKING)]
    calls = [f"os.fork() or talk_{n}()" for n in range(len(TALKING))]
    text = "\n\n".join(["import os", *every, *calls])
    (folder / "all.py").write_text(text, encoding="utf-8")
    (folder / "all.py").chmod(0o600)

    printed["course"] = grade("course", "class", "--out", "results")
    printed["book"] = grade("gradebook", "results", "-o", "book.csv")
    printed["report"] = grade("report", "results", "-o", "report.html")
    printed["trace"] = grade(
        "trace", "--verbose", "--json", "trace.json", "--html", "trace.html", "all.py"
    )
    printed["picture"] = grade("trace", "--picture", "all.py")
    outputs = ("--json", "v.json", "--junit", "v.xml", "--gradescope", "g.json")
    printed["grade"] = grade("exercise1", "all.py", "--github", *outputs)
    printed["verbose"] = grade("exercise1", "all.py", "--verbose")
    return Reports(folder, printed)


def _indented(source: str) -> str:
    return "".join(f"    {line}\n" for line in source.splitlines())


def _acting(text: str) -> set[str]:
    """Characters that move a cursor, change colours, or turn the direction."""
    return {
        character
        for character in text
        if character != "\n"
        and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }


def test_what_is_printed(reports: Reports) -> None:
    """Nothing that a terminal would act on."""
    for command, text in reports.printed.items():
        assert _acting(text) == set(), command
    assert "\\x1b[2J" in reports.printed["verbose"]


def test_workflow_commands(reports: Reports) -> None:
    """None but the grader's own, outside of what is fenced with a secret word."""
    lines = reports.printed["grade"].splitlines()
    fence = re.compile(r"::stop-commands::([0-9a-f]{32})")
    word = ""
    for line in lines:
        if word:
            word = "" if line == f"::{word}::" else word
        elif found := fence.fullmatch(line):
            word = found[1]
        else:
            assert not line.lstrip().startswith("::") or re.match(
                r"::error file=all\.py(,line=\d+)?,title=[^:,]+::", line
            ), line
    assert word == ""


def test_the_summary_s_markdown(reports: Reports) -> None:
    """A table and folded text; no tag, link or heading but the grader's."""
    page = reports.read("summary.md")
    tags = Tags()
    tags.feed(page)
    assert tags.seen <= {"details", "summary", "pre"}
    outside = re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)
    assert "](" not in outside
    assert len(re.findall(r"^#", page, re.MULTILINE)) == 1
    assert _acting(page) == set()


def test_tables(reports: Reports) -> None:
    """No cell is a formula, by the rules that OWASP gives for CSV."""
    rows = list(csv.reader(reports.read("book.csv").splitlines()))
    assert len(rows) == 1 + len(NAMES)
    formulas = [c for row in rows for c in row if c.startswith(tuple("=+-@\t\r"))]
    assert formulas == []


def test_files_for_programs(reports: Reports) -> None:
    """XML and JSON are whole, and XML has nothing that acts."""
    tree = ET.fromstring(reports.read("v.xml"))
    texts = [t for e in tree.iter() for t in (e.text, *e.attrib.values()) if t]
    assert _acting("".join(texts)) == set()
    for name in ("v.json", "g.json", "trace.json"):
        json.loads(reports.read(name))
    files = [path for path in (reports.folder / "results").rglob("*") if path.is_file()]
    for file in files:
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))


@needs_browser
@pytest.mark.parametrize("page", ["report.html", "trace.html"])
def test_pages(reports: Reports, browser: Browser, page: str) -> None:
    """No script of a submission's runs, and nothing is asked for."""
    file = reports.folder / page
    for _ in range(2):  # before the first page the browser shows one of its own
        browser.open(file)
    assert browser.run("return window.attacked") is None
    asked = [url for url in browser.requests() if url != "about:blank"]
    assert asked == [file.as_uri()]
    assert browser.logs() == []
    assert browser.run("return document.querySelectorAll('img').length") == 0
