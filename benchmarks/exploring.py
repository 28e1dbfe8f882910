"""How soon a search finds what fails, and whether it blames what is right."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row
from benchmarks.timing import SOLUTIONS
from benchmarks.timing import run as run_command
from grader.diagnosis.causes import general
from grader.exploring.choices import Pilot, decode
from grader.exploring.orders import IN_GRADING
from grader.exploring.search import Run, Search, flown
from grader.tracing.launch import Zygote
from grader.tracing.program import run as run_traced
from grader.tracing.recording import Recording
from grader.tracing.schedule import Schedule

PROGRAMS = SOLUTIONS.parent / "tests" / "exploring" / "programs"
REFERENCE = SOLUTIONS / "exercise4" / "exercise4.py"
RACES = (
    "lost_wakeup",
    "waits_before_it_reads",
    "two_reapers",
    "check_then_act",
)


def exploring() -> Iterator[Row]:
    """The rows of the table."""
    yield _speed()
    with Zygote() as zygote:
        yield _seeds(_runner(zygote, PROGRAMS / "one_wait_per_signal.py"))
        for name in RACES:
            yield _race(name, _runner(zygote, PROGRAMS / f"{name}.py"))
        yield _false_alarms(_runner(zygote, REFERENCE, "5"))
        yield _replays(_runner(zygote, REFERENCE, "3"))
    for exercise in ("exercise1", "exercise2", "exercise3", "exercise4"):
        yield _grading(exercise)


def _runner(zygote: Zygote, program: Path, *arguments: str) -> Run:
    def run(schedule: Schedule) -> Recording:
        argv = [str(program), *arguments]
        return run_traced(argv, schedule=schedule, stdout="pipe", zygote=zygote)

    return run


def _fails(recording: Recording) -> bool:
    return bool(general(recording))


def _never(recording: Recording) -> bool:
    return False


def _speed() -> Row:
    """On one core, however many programs are on it; a zygote has to start, too."""
    before = _used()
    with Zygote() as zygote:
        run = _runner(zygote, PROGRAMS / "one_pipe.py")
        Search(flown(run), _never, runs=100, preemptions=None).search()
    what = "processor time of 100 interleavings of two processes and one pipe"
    return Row(what, _used() - before, 1.0, "{:.2f} s")


def _used() -> float:
    """Processor time of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def _seeds(run: Run) -> Row:
    missed = 0
    for seed in range(100):
        search = Search(flown(run), _fails, runs=50, preemptions=None, seed=seed)
        missed += search.search().failure is None
    return Row(
        "seeds of 100 under which merged signals are not found in 50 random runs",
        missed,
        0,
        "{:.0f}",
    )


def _race(name: str, run: Run) -> Row:
    taken = 0.0
    for seed in range(5):
        search = Search(flown(run), _fails, runs=200, seed=seed)
        began = time.perf_counter()
        if search.search().failure is None:
            taken = float("inf")
        taken = max(taken, time.perf_counter() - began)
    return Row(f"seconds until {name} is found, at most", taken, 1.0, "{:.3f}")


def _false_alarms(run: Run) -> Row:
    def fails(recording: Recording) -> bool:
        children = recording.root.children
        return len(children) != 5 or any(c.collected is None for c in children)

    found = Search(flown(run), fails, runs=2000).search()
    return Row(
        "false alarms on exercise 4's reference with 5 children",
        found.failure is not None,
        0,
        "{:.0f}",
        f"{found.runs} interleavings",
    )


def _replays(run: Run) -> Row:
    """Recorded in peace, replayed while four times as many programs run as cores."""
    seen: list[Recording] = []

    def notes(recording: Recording) -> bool:
        seen.append(recording)
        return False

    Search(flown(run), notes, runs=200, seed=1).search()
    busy = [
        multiprocessing.Process(target=_spin, daemon=True)
        for _ in range(4 * len(os.sched_getaffinity(0)))
    ]
    for process in busy:
        process.start()
    try:
        again = [run(Pilot(decode(before.schedule)).schedule) for before in seen]
    finally:
        for process in busy:
            process.kill()
            process.join()
    different = sum(
        _story(one) != _story(other) for one, other in zip(seen, again, strict=True)
    )
    return Row(
        f"stories of {len(seen)} that differ when replayed under load",
        different,
        0,
        "{:.0f}",
    )


# What `grade` does, where the checks that promise any order search in so many runs.
GRADES = """\
import sys
from grader import session
from grader.__main__ import command
from grader.exploring.orders import Orders

runs = int(sys.argv.pop(1))
grade = session.grade
session.grade = lambda *a, **o: grade(*a, **{**o, "orders": Orders(runs=runs)})
command()
"""


def _grading(exercise: str) -> Row:
    """In pairs: what else the machine does meanwhile is the same for both."""
    pairs = []
    for _ in range(9):
        without = _processor_time(exercise, 0)
        pairs.append((_processor_time(exercise, IN_GRADING), without))
    ratio = statistics.median(searching / without for searching, without in pairs)
    searching, without = (min(times) for times in zip(*pairs, strict=True))
    return Row(
        f"processor time of grade {exercise}, reference, with search / without",
        ratio,
        1.5,
        says=f"{searching:.2f} s / {without:.2f} s",
    )


def _processor_time(exercise: str, runs: int) -> float:
    """Of the command and all that it starts, in seconds."""
    file = SOLUTIONS / exercise / f"{exercise}.py"
    before = _used()
    command = [sys.executable, "-c", GRADES, str(runs), exercise, str(file)]
    run_command(command).check_returncode()
    return _used() - before


def _spin() -> None:
    for _ in itertools.count():
        pass


def _story(recording: Recording) -> str:
    """Every event whole, with the numbers of processes for their pids."""
    story = "\n".join(map(repr, recording.events))
    numbers = {str(p.pid): f"<{n}>" for n, p in enumerate(recording.processes)}
    # How many bytes it takes to print a pid is not the program's doing.
    story = re.sub(r"count=\d+", "", story)
    return re.sub("|".join(numbers), lambda pid: numbers[pid[0]], story)
