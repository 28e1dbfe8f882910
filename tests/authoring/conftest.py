"""A small course that is in order, to be broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.authoring.new import make_exercise
from grader.catalog import Course

# A hidden check, failed by an answer of its own.
HIDDEN = '''\
"""Hidden checks of exercise1."""

from grader.checking import Submission, assert_that, found, points


@points(2)
def test_is_polite(program: Submission) -> None:
    """The program knows how to behave."""
    run = program.run(77)
    said = b"77" not in run.errors
    assert_that(run).is_(said, "not-polite", "it repeated 77 on standard error")
'''

RUDE = """\
# diagnosis: not-polite
# What goes to standard error is seen by nobody.
import os
import sys

code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
pid = os.fork()
if pid == 0:
    os._exit(code)
_, status = os.waitpid(pid, 0)
print("the child ended with", os.waitstatus_to_exitcode(status))
print(code, file=sys.stderr)
"""

TEXT = """\
# not-polite: what was asked is told on standard error

## What it means

The program repeats its argument where only trouble is told.

## Why it is wrong

Standard error is for what went wrong.

## What to do

Print to standard output alone.

## Read

- stderr(3)
"""


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = Course(tmp_path_factory.mktemp("made") / "course")
    make_exercise("exercise1", course.folder)
    hidden = course.hidden / "exercise1" / "test_exercise1.py"
    hidden.parent.mkdir(parents=True)
    hidden.write_text(HIDDEN)
    (course.solutions / "exercise1" / "wrong" / "rude.py").write_text(RUDE)
    course.diagnoses.mkdir()
    (course.diagnoses / "not-polite.md").write_text(TEXT)
    return course


@pytest.fixture
def course(_made: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A copy of one with hidden checks and a diagnosis of its own, in this folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(_made.folder, "course")
    return Course(Path("course"))
