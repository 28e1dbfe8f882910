"""How far a search goes for what breaks a promise, and what it brings back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.diagnosis.causes import general
from grader.exploring.choices import Pilot
from grader.exploring.promise import breaking
from grader.exploring.search import Fly, Ran, flown
from grader.tracing.launch import Zygote
from grader.tracing.program import run as run_traced
from grader.tracing.recording import Recording
from grader.tracing.schedule import Schedule

PROGRAMS = Path(__file__).parent / "programs"

ASKS_AND_ASKS = """\
import os

pid = os.fork()
for _ in range(400):
    os.path.exists("flag")
if pid:
    os.wait()
else:
    open("flag", "w").close()
"""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """One for all runs."""
    with Zygote() as zygote:
        yield zygote


def _counting(program: Path, zygote: Zygote, runs: list[Ran]) -> Fly:
    def run(schedule: Schedule) -> Recording:
        return run_traced(
            [str(program)], schedule=schedule, stdout="pipe", zygote=zygote
        )

    fly = flown(run)

    def counting(pilot: Pilot) -> Ran:
        runs.append(fly(pilot))
        return runs[-1]

    return counting


def _first(recording: Recording) -> str | None:
    return next((finding.id for finding in general(recording)), None)


def test_a_program_of_many_steps_is_searched_in_fewer_runs(
    tmp_path: Path, zygote: Zygote
) -> None:
    """By their number, which is the same on every machine."""
    program = tmp_path / "program.py"
    program.write_text(ASKS_AND_ASKS)
    runs: list[Ran] = []
    assert breaking(_counting(program, zygote, runs), _first, runs=24) is None
    steps = [len(ran.recording.steps) for ran in runs]
    assert 1 < len(runs) < 24
    assert sum(steps[:-1]) <= 24 * 200 < sum(steps)


def test_what_breaks_a_promise_is_shortened(zygote: Zygote) -> None:
    """To what has the same diagnosis; what has another does not count."""
    runs: list[Ran] = []
    fly = _counting(PROGRAMS / "one_wait_per_signal.py", zygote, runs)
    broken = breaking(fly, _first, runs=24)
    assert broken is not None
    first = next(ran for ran in runs if _first(ran.recording))
    assert _first(broken) == _first(first.recording)
    assert len(broken.schedule) <= len(first.recording.schedule)


def test_a_search_without_runs_finds_nothing(zygote: Zygote) -> None:
    """It makes none."""
    runs: list[Ran] = []
    fly = _counting(PROGRAMS / "one_wait_per_signal.py", zygote, runs)
    assert breaking(fly, _first, runs=0) is None
    assert runs == []
