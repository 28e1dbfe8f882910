"""Times of whole commands and of single actions, and the memory they take."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOLUTIONS = ROOT / "solutions"


def median(action: Callable[[], object], runs: int) -> float:
    """The median time of an action, in seconds, after one that does not count."""
    taken = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def grade_command(exercise: str, file: Path, *options: str) -> list[str]:
    """The command that grades one file, in this interpreter's environment."""
    return [sys.executable, "-m", "grader", exercise, str(file), *options]


# What is installed has been compiled; a checkout's modules are by the first run that
# may keep what it compiled.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, and keep what it printed."""
    return subprocess.run(
        command, capture_output=True, check=False, cwd=ROOT, env=_ENVIRONMENT
    )


def peak_memory(command: list[str]) -> float:
    """The most that a command and its descendants hold at once, in MB.

    The proportional set size, proc_pid_smaps(5): memory that several share is
    counted once. It is looked at every few milliseconds.
    """
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, family_memory(process.pid))
            time.sleep(0.003)
    return peak


def family_memory(pid: int) -> float:
    """What a process and its descendants hold now, in MB."""
    return sum(map(_proportional, _family(pid))) / 1024


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            children = Path(f"/proc/{pid}/task/{task}/children").read_text()
            for child in children.split():
                yield from _family(int(child))
    except OSError:
        return  # it ended meanwhile


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0
