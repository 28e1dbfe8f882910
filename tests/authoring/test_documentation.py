"""What docs/authoring.md walks through is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.readme import blocks

PAGE = Path(__file__).parents[2] / "docs" / "authoring.md"
BLOCKS = blocks("sh", PAGE)


@pytest.fixture(scope="module")
def author(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instructor's folder, in which one block after the other is run."""
    return tmp_path_factory.mktemp("author")


def _run(block: str, folder: Path) -> tuple[str, list[tuple[str, int]]]:
    """All that a block prints, and how each of its commands of ours ended."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # The 20 times of the proof are for CI.
    block = re.sub(r"(?m)^(grade check-course \S+)$", r"\1 --times 2", block)
    told = re.sub(r"(?m)^(grade .*)$", r"\1\necho '='$? '<\1>'", block)
    done = subprocess.run(
        ["bash", "-c", told],
        cwd=folder,
        env={
            **os.environ, "PATH": path, "XDG_STATE_HOME": str(folder), "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    statuses = re.findall(r"^=(\d+) <(.*)>$", done.stdout, re.MULTILINE)
    return done.stdout, [(command, int(status)) for status, command in statuses]


def test_every_command_does_its_work(author: Path) -> None:
    """In order, from nothing, as the page says it."""
    said = [_run(block, author) for block in BLOCKS]
    ended = [entry for _, those in said for entry in those]
    proofs = [status for command, status in ended if "check-course" in command]
    assert proofs == [0, 1, 0, 0]  # the second time a wrong answer is missing
    assert {
        command: status for command, status in ended if "check-course" not in command
    } == {
        "grade new exercise1 --course mycourse": 0,
        "grade start student --course mycourse": 0,
        "grade hint exercise1 --course mycourse": 0,
        "grade exercise1 class/ada --course mycourse": 1,
        "grade explain other-default --course mycourse": 0,
        "grade course class --course mycourse --out results": 0,
        "grade gradebook results --course mycourse": 0,
    }
    missing = next(text.split() for text, _ in said if "1 fault." in text)
    assert "no wrong answer fails the check 'child-prints-nothing'" in " ".join(missing)
    graded = said[-1][0]
    assert "The program does what the hand-out says in every case (hidden)" in graded
    assert "other-default: without an argument it does something else" in graded
    assert "the child ended with 0" not in graded
    assert "Score: 12 of 14" in graded
    files = {path.name for path in (author / "student").rglob("*") if path.is_file()}
    assert files == {"README.md", "exercise1.py"}


def test_every_command_of_ours_is_in_a_block() -> None:
    """Those that are only mentioned are among them."""
    assert sum(block.count("grade check-course") for block in BLOCKS) == 4
    mentioned = re.findall(r"`(grade [a-z-]+)", PAGE.read_text())
    assert set(mentioned) <= {
        "grade new", "grade check-course", "grade start", "grade explain",
    }  # fmt: skip
