"""Whether grading that is killed again and again comes to the same results."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.classroom import course_command, hand_in
from benchmarks.rows import Row

_STUDENTS = 10
_KILLS = 20
_LONGEST = 2.0  # seconds until a kill


def kills() -> Iterator[Row]:
    """Results that differ from those that nobody disturbed."""
    with tempfile.TemporaryDirectory() as scratch:
        submissions = Path(scratch, "class")
        hand_in(submissions, _STUDENTS)
        quiet, disturbed = Path(scratch, "quiet"), Path(scratch, "disturbed")
        _run(submissions, quiet)
        chance = random.Random(2026)
        killed = finished = 0
        different: list[str] = []
        while killed < _KILLS:
            if _is_killed(submissions, disturbed, chance.uniform(0, _LONGEST)):
                killed += 1
            else:
                finished += 1
                different += _compare(quiet, disturbed)
                shutil.rmtree(disturbed)
        _run(submissions, disturbed)
        different += _compare(quiet, disturbed)
        yield Row(
            f"results that differ after {killed} kills at random moments",
            len(different),
            0,
            "{:.0f}",
            f"{_STUDENTS} students; finished {finished + 1} times",
        )


def _run(submissions: Path, results: Path) -> None:
    subprocess.run(
        course_command(submissions, results), stdout=subprocess.DEVNULL, check=True
    )


def _is_killed(submissions: Path, results: Path, seconds: float) -> bool:
    """Run the command, and kill it after so many seconds; whether it was killed."""
    with subprocess.Popen(
        course_command(submissions, results),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            return True
    return False


def _compare(quiet: Path, disturbed: Path) -> list[str]:
    """The results that are not the same in both folders, or only in one of them."""
    one, other = _contents(quiet), _contents(disturbed)
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def _contents(results: Path) -> dict[str, str]:
    """All files by name, but for what the kernel and the clock gave: pids, folders."""
    found = {}
    for path in sorted(results.rglob("*")):
        if path.is_file():
            name = str(path.relative_to(results))
            found[name] = _without_pids(path.read_text(encoding="utf-8"))
    return found


def _without_pids(text: str) -> str:
    """A text in which each number of three digits and more is told by its first place.

    Points, lines and times have fewer digits. Folders for a run have random names, and
    where a story cuts a line short, it may cut a pid.
    """
    text = re.sub(r"forklab-\w{1,8}", "forklab", text)
    text = re.sub(r"\d+\.\.\.|  +", "~", text)
    known: dict[str, str] = {}
    return re.sub(
        r"(?<![\d.])\d{3,}(?![\d.])",
        lambda match: known.setdefault(match[0], f"<{len(known)}>"),
        text,
    )
