"""Measure what forklab costs, against the programs that it grades."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timing import SOLUTIONS, grade_command, median, peak_memory, run
from grader.tracing.launch import Zygote
from grader.tracing.program import run as run_traced

FORK = """\
import os
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
"""

TUTORIAL_PIPE = SOLUTIONS.parent / "tests" / "tutorial" / "pipe.py"
REFERENCE = SOLUTIONS / "exercise2" / "exercise2.py"
DEADLOCK = SOLUTIONS / "exercise2" / "wrong" / "parent_keeps_write_end.py"


@dataclass(frozen=True)
class Row:
    """One line of the table: `measured` is to be at most `bar`."""

    what: str
    measured: float
    bar: float
    shown: str = "{:.2f}"
    says: str = ""

    def __str__(self) -> str:
        """The row as the table shows it."""
        verdict = "" if self.measured <= self.bar else "   MISSED"
        measured, bar = self.shown.format(self.measured), self.shown.format(self.bar)
        return f"{self.what:<62}{measured:>9}{bar:>9}{verdict}   {self.says}".rstrip()


def _recorded_runs() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, Zygote() as zygote:
        fork = Path(folder, "fork.py")
        fork.write_text(FORK)

        def record(program: Path) -> None:
            run_traced([str(program)], zygote=zygote, directory=folder)

        python = median(
            lambda: subprocess.run([sys.executable, "-I", "-c", "pass"], check=True), 21
        )
        forked = median(lambda: record(fork), 21)
        piped = median(lambda: record(TUTORIAL_PIPE), 21)
    plain = median(lambda: run([sys.executable, str(TUTORIAL_PIPE)]), 1)
    yield Row(
        "a recorded run of one fork and wait / starting python -I -c pass",
        forked / python,
        0.5,
        says=f"{forked * 1000:.1f} ms / {python * 1000:.1f} ms",
    )
    yield Row(
        "a recorded run of the tutorial's pipe program / itself",
        piped / plain,
        1 / 200,
        "{:.4f}",
        f"{piped * 1000:.1f} ms / {plain:.2f} s",
    )


def _commands() -> Iterator[Row]:
    program = median(lambda: run([sys.executable, str(REFERENCE)]), 3)
    reference = median(lambda: run(grade_command("exercise2", REFERENCE)), 9)
    stuck = median(lambda: run(grade_command("exercise2", DEADLOCK)), 9)
    yield Row(
        "grade exercise2 on the reference / running it once",
        reference / program,
        1 / 5,
        says=f"{reference:.2f} s / {program:.2f} s",
    )
    yield Row(
        "grade exercise2 on a deadlock / on the reference",
        stuck / reference,
        1.5,
        says=f"{stuck:.2f} s / {reference:.2f} s",
    )
    for exercise in ("exercise1", "exercise2", "exercise3", "exercise4"):
        file = SOLUTIONS / exercise / f"{exercise}.py"
        peak = max(peak_memory(grade_command(exercise, file)) for _ in range(3))
        what = f"peak memory of grade {exercise}, all its processes, in MB"
        yield Row(what, peak, 120, "{:.0f}")


def main() -> int:
    """Print the table; with ``--strict``, 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--strict", action="store_true", help="fail where one is missed"
    )
    strict = parser.parse_args().strict
    print(f"{'what':<62}{'measured':>9}{'at most':>9}")
    missed = 0
    for rows in (_recorded_runs(), _commands()):
        for row in rows:
            print(row, flush=True)
            missed += row.measured > row.bar
    return min(missed, 1) if strict else 0


if __name__ == "__main__":
    sys.exit(main())
