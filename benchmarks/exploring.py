"""How soon a search finds what fails, and whether it blames what is right."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.rows import Row
from benchmarks.timing import SOLUTIONS
from grader.diagnosis.causes import general
from grader.exploring.choices import Pilot, decode
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
    with Zygote() as zygote:
        yield _speed(_runner(zygote, PROGRAMS / "one_pipe.py"))
        yield _seeds(_runner(zygote, PROGRAMS / "one_wait_per_signal.py"))
        for name in RACES:
            yield _race(name, _runner(zygote, PROGRAMS / f"{name}.py"))
        yield _false_alarms(_runner(zygote, REFERENCE, "5"))
        yield _replays(_runner(zygote, REFERENCE, "3"))


def _runner(zygote: Zygote, program: Path, *arguments: str) -> Run:
    def run(schedule: Schedule) -> Recording:
        argv = [str(program), *arguments]
        return run_traced(argv, schedule=schedule, stdout="pipe", zygote=zygote)

    return run


def _fails(recording: Recording) -> bool:
    return bool(general(recording))


def _never(recording: Recording) -> bool:
    return False


def _timed(search: Callable[[], object]) -> float:
    began = time.perf_counter()
    search()
    return time.perf_counter() - began


def _speed(run: Run) -> Row:
    runs = 100
    taken = _timed(Search(flown(run), _never, runs=runs, preemptions=None).search)
    return Row(
        "seconds for 100 interleavings of two processes and one pipe", taken, 1.0
    )


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
