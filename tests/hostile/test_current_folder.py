"""Whoever grades may stand in a submission's folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "solutions" / "exercise1" / "exercise1.py"
_MODULE = "import os\nos.write(1, b'LOOT')\nos._exit(0)\n"
_HOSTILE = {
    **dict.fromkeys(
        ("grader.py", "sitecustomize.py", "usercustomize.py", "conftest.py"), _MODULE
    ),
    **dict.fromkeys(("pytest.py", "rich.py", "json.py", "os.py"), _MODULE),
    "pytest.ini": "[pytest]\naddopts = --collect-only\n",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--collect-only'\n",
}


def test_files_in_the_current_folder_change_nothing(tmp_path: Path) -> None:
    """The command `grade` imports none of them, and none configures it."""
    grade = Path(sysconfig.get_path("scripts"), "grade")
    if not grade.exists():
        pytest.skip("forklab is not installed here, so there is no such command")
    for name, text in _HOSTILE.items():
        (tmp_path / name).write_text(text)
    shutil.copy(REFERENCE, tmp_path)
    done = subprocess.run(
        [grade, "exercise1"],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "LOOT" not in done.stdout
    assert "Score: 10 of 10" in done.stdout
