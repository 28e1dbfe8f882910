"""What `grade` does where nobody reads its output, or where that is full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RIGHT = ROOT / "solutions" / "exercise1" / "exercise1.py"
UNREAD, FULL = 141, 3
COMMANDS = [
    "list",
    "explain zombie-left",
    "hint exercise1",
    "completion bash",
    "doctor",
    "start",
    "new exercise1 --course mine",
    "trace true",
    "trace --explore 2 true",
    "help course",
    "--version",
    f"exercise1 {RIGHT}",
]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@contextmanager
def _output(status: int) -> Iterator[int]:
    """One that nobody reads, or that is full, by the status that is to come of it."""
    if status == FULL:
        descriptor = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, descriptor = os.pipe()
        os.close(reader)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _grade(words: list[str], status: int) -> None:
    """Run it without anybody who could read what it prints."""
    with _output(status) as output:
        done = subprocess.run(
            [sys.executable, "-m", "grader", *words],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
    full = "grade: the output: No space left on device; make room there, or name "
    assert done.stderr == ("" if status == UNREAD else f"{full}another place\n")
    assert done.returncode == status


@pytest.mark.parametrize("command", COMMANDS)
def test_nobody_reads(command: str) -> None:
    """The status is the one that a shell gives, and none of a verdict."""
    _grade(command.split(), UNREAD)


@pytest.mark.parametrize("status", [UNREAD, FULL])
@pytest.mark.parametrize("options", [[], ["--github"]])
def test_files_of_one_exercise(status: int, options: list[str]) -> None:
    """All of them are there, whole."""
    files = ["--json", "v.json", "--junit", "v.xml", "--gradescope", "g.json"]
    files += ["--exercism", "e.json"]
    _grade(["exercise1", str(RIGHT), *files, *options], status)
    assert json.loads(Path("v.json").read_text())["outcome"] == "full"
    assert Path("v.xml").read_text().startswith("<?xml")
    assert json.loads(Path("g.json").read_text())["score"] == 10
    assert json.loads(Path("e.json").read_text())["status"] == "pass"


@pytest.mark.parametrize("status", [UNREAD, FULL])
def test_files_of_all_exercises(status: int) -> None:
    """Every exercise is graded, also those after the one that nobody was told of."""
    _grade(["all", "--json", "v.json"], status)
    assert len(json.loads(Path("v.json").read_text())["verdicts"]) > 1


@pytest.mark.parametrize("status", [UNREAD, FULL])
def test_files_of_a_trace(status: int) -> None:
    """The recording, and the pictures."""
    files = ["--json", "r.json", "--svg", "p.svg", "--html", "p.html"]
    _grade(["trace", *files, str(RIGHT), "1"], status)
    assert {path.name for path in Path().iterdir()} >= {"r.json", "p.svg", "p.html"}


def test_a_file_that_nobody_reads_keeps_none_from_being_written() -> None:
    """Standard output may be one of those that were asked for."""
    files = ["--json", "/dev/stdout", "--junit", "v.xml", "--gradescope", "/dev/stderr"]
    with _output(UNREAD) as output:
        done = subprocess.run(
            [sys.executable, "-m", "grader", "exercise1", str(RIGHT), *files],
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )
    assert done.returncode == UNREAD
    assert json.loads(done.stderr)["score"] == 10
    assert Path("v.xml").read_text().startswith("<?xml")


def test_what_is_handed_out_is_all_there() -> None:
    """As where somebody reads it."""
    _grade(["start"], UNREAD)
    names = {path.name for path in Path("exercises").iterdir()}
    assert len(names) == len(list((ROOT / "exercises").glob("exercise*")))
