"""What README shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.readme import blocks, commands, installing

ROOT = Path(__file__).parents[2]

# Run by CI as they stand there, each in a clone of its own.
BY_CI = [*installing(), "ruff check . && ruff format --check . && mypy"]
BY_CI += ["grade check-course", "python -m benchmarks"]


def _environment(home: Path) -> dict[str, str]:
    """The user's, with this interpreter's commands and a state folder of its own."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "XDG_STATE_HOME": str(home), "NO_COLOR": "1"}


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student's folder, in which one command after the other is run.

    What a class handed in lies there too.
    """
    folder = tmp_path_factory.mktemp("student")
    handed_in = folder / "class" / "ada" / "exercise1.py"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_bytes((ROOT / "solutions/exercise1/exercise1.py").read_bytes())
    return folder


@pytest.mark.parametrize(
    "command", [command for command in commands() if command not in BY_CI]
)
def test_every_command_does_its_work(student: Path, command: str) -> None:
    """It ends with full marks or without, and never with wrong usage or an error."""
    done = subprocess.run(
        command,
        shell=True,
        cwd=student,
        env=_environment(student),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout
    assert done.stderr == ""


def test_ci_runs_the_others() -> None:
    """CI takes the lines that install from README, and the linters as README says."""
    ci = (ROOT / ".ci" / "run").read_text()
    assert len(installing()) == 2
    assert "tests/readme.py 0" in ci
    assert "tests/readme.py 1" in ci
    for command in BY_CI[2:]:
        assert command in ci


def test_the_picture_is_what_the_command_prints(tmp_path: Path) -> None:
    """But for the pids, and as far as it goes."""
    picture = next(block for block in blocks("") if block.startswith("$ "))
    command, _, shown = picture.partition("\n")
    wrong = ROOT / "solutions" / "exercise2" / "wrong" / "parent_keeps_write_end.py"
    (tmp_path / "pipe.py").write_text(wrong.read_text())
    done = subprocess.run(
        command.removeprefix("$ "),
        shell=True,
        cwd=tmp_path,
        env={**_environment(tmp_path), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert _without_pids(shown) == _without_pids(done.stdout)


def _without_pids(text: str) -> list[str]:
    """The words; where lines end depends on how long the pids are."""
    for who, known in (("PARENT", r"\bparent +(\d+)"), ("CHILD", r"\bforks +(\d+)")):
        pid = re.search(known, text)
        assert pid
        text = re.sub(rf"\b{pid[1]}\b", who, text)
    return text.split()


def test_the_tracer_is_used_as_shown() -> None:
    """The Python example runs, and says what it says."""
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "True 0 6\n"
