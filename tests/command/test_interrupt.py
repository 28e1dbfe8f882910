"""Ctrl+C at any moment: one line and status 130, also while modules are loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable
CONSOLE = str(Path(PYTHON).with_name("grade"))

# Sends SIGINT to its own process as soon as that begins to import a certain module.
SITE = """\
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ.get("INTERRUPT_AT") and self in sys.meta_path:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    "started", [[PYTHON, "-m", "grader"], [CONSOLE]], ids=["-m", ""]
)
@pytest.mark.parametrize(
    "module",
    [
        "grader.ending",
        "grader.worker",
        "grader.cli",
        "argparse",
        "grader.errors",
        "grader.catalog",
        "tomllib",
    ],
)
def test_while_modules_are_loaded(
    tmp_path: Path, started: list[str], module: str
) -> None:
    """The same line as later, and nothing of Python's."""
    (tmp_path / "sitecustomize.py").write_text(SITE)
    done = subprocess.run(
        [*started, "exercise1"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": f"{tmp_path}:{ROOT}",
            "INTERRUPT_AT": module,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == "grade: interrupted; nothing was left running\n"
    assert (done.returncode, done.stdout) == (130, "")
