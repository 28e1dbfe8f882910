"""Measure what forklab costs, against the programs that it grades."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import classroom
from benchmarks.confinement import confinement
from benchmarks.exploring import exploring
from benchmarks.faults import faults
from benchmarks.hostile import hostile
from benchmarks.kills import kills
from benchmarks.report import report_rows
from benchmarks.rows import Row
from benchmarks.timing import SOLUTIONS, grade_command, median, peak_memory, run
from grader.catalog import Exercise, read_exercise
from grader.session import Seat, grade
from grader.tracing.launch import Zygote
from grader.tracing.program import run as run_traced
from grader.worker import Worker

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


def _checks() -> Iterator[Row]:
    """A check that runs nothing, again and again."""
    with tempfile.TemporaryDirectory() as scratch:
        exercise = _of_empty_checks(Path(scratch, "exercise1"))
        with Worker() as worker, Zygote() as zygote:
            seats = [Seat(zygote, min(os.sched_getaffinity(0)))]
            taken = median(
                lambda: grade(exercise, REFERENCE, worker=worker, seats=seats), 9
            )
    each = taken / len(exercise.checks) * 1000
    yield Row("what a check costs beside its recorded runs, in ms", each, 8, "{:.1f}")


def _of_empty_checks(folder: Path) -> Exercise:
    folder.mkdir()
    for part in ("README.md", "stub.py"):
        (folder / part).write_text("")
    (folder / "exercise.toml").write_text(
        'title = ""\nsummary = ""\narguments = ""\nteaches = []\nhints = []\n'
    )
    checks = (
        f'@points(1)\ndef test_nothing_{number}(program):\n    """Check {number}"""\n'
        for number in range(20)
    )
    (folder / "test_exercise1.py").write_text(
        "\n\n".join(("from grader.checking import points", *checks))
    )
    return read_exercise(folder)


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
    tables = (
        _recorded_runs,
        confinement,
        hostile,
        _checks,
        _commands,
        classroom.grading,
        kills,
        faults,
        report_rows,
        exploring,
    )
    for table in tables:
        for row in table():
            print(row, flush=True)
            missed += row.measured > row.bar
    return min(missed, 1) if strict else 0


if __name__ == "__main__":
    sys.exit(main())
