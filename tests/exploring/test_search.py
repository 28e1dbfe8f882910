"""Each race is found, whatever the seed; no right program is blamed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.diagnosis.causes import general
from grader.exploring.choices import Pilot, Turn, decode, encode
from grader.exploring.search import Found, Ran, Run, Search, flown
from grader.exploring.shrink import shrink
from grader.tracing.launch import Zygote
from grader.tracing.program import run as run_traced
from grader.tracing.recording import Ended, Forked, Recording, SignalSent, Waited
from grader.tracing.schedule import Schedule

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "solutions" / "exercise4" / "exercise4.py"

# What goes wrong in each, and in how many choices at most.
RACES = {
    "asks_at_end_of_file": ("orphan-left", 1),
    "check_then_act": ("uncaught-exception", 1),
    "lost_wakeup": ("deadlock", 1),
    "one_wait_per_signal": ("signals-merged", 1),
    "two_reapers": ("uncaught-exception", 1),
    "waits_before_it_reads": ("deadlock", 2),
}
RIGHT = ("collects_all", "one_pipe", "pidfd_tells")


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """One for all runs."""
    with Zygote() as zygote:
        yield zygote


def _runner(zygote: Zygote, program: Path, *arguments: str) -> Run:
    def run(schedule: Schedule) -> Recording:
        argv = [str(program), *arguments]
        return run_traced(argv, schedule=schedule, stdout="pipe", zygote=zygote)

    return run


def _fails(recording: Recording) -> bool:
    return bool(general(recording)) or recording.stuck is not None


def _normal(recording: Recording) -> list[object]:
    """What happened, without pids and addresses."""
    numbers = {process.pid: n for n, process in enumerate(recording.processes)}
    told: list[object] = []
    for event in recording.events:
        line: list[object] = [type(event).__name__, numbers.get(event.pid)]
        if isinstance(event, Forked):
            line.append(numbers[event.child])
        elif isinstance(event, Waited):
            line.append(numbers.get(event.child or 0))
        elif isinstance(event, SignalSent):
            line += [numbers.get(event.target), event.signal, event.merged]
        elif isinstance(event, Ended):
            line += [event.exit_code, event.signal]
        told.append(line)
    return told


@pytest.mark.parametrize("name", RACES)
def test_races_are_found_where_processes_meet_anew(name: str, zygote: Zygote) -> None:
    """No meeting need be made twice, as in grading."""
    run = _runner(zygote, PROGRAMS / f"{name}.py")
    found = Search(flown(run), _fails, runs=16, systematic=16, repeat=False).search()
    assert found.failure is not None


def test_a_search_without_repeats_is_over_sooner(zygote: Zygote) -> None:
    """It makes the first runs of one with them, and no random ones."""
    made: dict[bool, list[str]] = {}
    for repeat in (True, False):
        run = flown(_runner(zygote, PROGRAMS / "one_pipe.py"))
        names = made.setdefault(repeat, [])

        def fly(
            pilot: Pilot,
            run: Callable[[Pilot], Ran] = run,
            names: list[str] = names,
        ) -> Ran:
            names.append(pilot.name)
            return run(pilot)

        Search(fly, lambda _: False, runs=60, systematic=60, repeat=repeat).search()
    assert 1 < len(made[False]) < len(made[True])
    assert made[True][: len(made[False])] == made[False]


@pytest.mark.parametrize("name", RACES)
def test_races_are_found_and_shrunk(name: str, zygote: Zygote) -> None:
    """To the few choices that matter; and these alone bring it about again."""
    run = _runner(zygote, PROGRAMS / f"{name}.py")
    diagnosis, most = RACES[name]
    found = Search(flown(run), _fails, runs=50).search()
    assert found.failure is not None
    smallest = shrink(flown(run), _fails, found.failure, runs=50)
    assert len(smallest.choices) <= most
    again = run(Pilot(decode(encode(smallest.choices))).schedule)
    assert _fails(again)
    assert _normal(again) == _normal(smallest.recording)
    ids = {finding.id for finding in general(again)}
    assert diagnosis in ids or (diagnosis == "deadlock" and again.stuck)


@pytest.mark.parametrize("name", RIGHT)
def test_right_programs_are_right_in_all(name: str, zygote: Zygote) -> None:
    """All interleavings with two preemptions, and it is said that they are all."""
    run = _runner(zygote, PROGRAMS / f"{name}.py")
    found = Search(flown(run), _fails, runs=400).search()
    assert found.failure is None
    assert found.complete
    assert found.runs > 5


def test_a_handler_that_collects_all_is_never_blamed(zygote: Zygote) -> None:
    """Wherever its signals come; with five children not all can be tried."""
    run = _runner(zygote, REFERENCE, "5")

    def fails(recording: Recording) -> bool:
        children = recording.root.children
        return len(children) != 5 or any(c.collected is None for c in children)

    found = Search(flown(run), fails, runs=100).search()
    assert found == Found(100, None, complete=False, failure=None)


def test_processes_meet_in_each_way_before_again(zygote: Zygote) -> None:
    """So children who all do the same do not hide what one of them may bring about."""
    run = _runner(zygote, PROGRAMS / "lock_in_handler.py")
    found = Search(flown(run), _fails, runs=16, systematic=16).search()
    assert found.failure is not None


@pytest.mark.parametrize("seed", range(10))
def test_random_search_alone_finds_merged_signals(seed: int, zygote: Zygote) -> None:
    """Whatever its seed."""
    run = _runner(zygote, PROGRAMS / "one_wait_per_signal.py")
    search = Search(flown(run), _fails, runs=50, seed=seed, preemptions=None)
    found = search.search()
    assert found.failure is not None
    assert not found.complete


def test_the_same_choices_give_the_same_run(zygote: Zygote) -> None:
    """Each time; those of a random run too, which it notes as it makes them."""
    run = _runner(zygote, REFERENCE, "3")
    seen = []

    def notes(recording: Recording) -> bool:
        seen.append(recording)
        return False

    Search(flown(run), notes, runs=30, seed=7).search()
    assert len({str(_normal(recording)) for recording in seen}) > 5
    for recording in seen:
        again = run(Pilot(decode(recording.schedule)).schedule)
        assert _normal(again) == _normal(recording)


SLEEPER = """\
import os
import time

pid = os.fork()
if pid == 0:
    os.write(1, b"hello")
    os._exit(0)
for _ in range(20):
    time.sleep(0.1)
    if os.waitpid(pid, os.WNOHANG)[0]:
        break
"""
PRINTER = """\
import os
import signal
import sys


def say(*_):
    print("hello", flush=True)


signal.signal(signal.SIGCHLD, say)
if os.fork() == 0:
    os._exit(0)
say()
os.wait()
"""


@pytest.mark.parametrize(
    ("program", "diagnosis", "code"),
    [(SLEEPER, "orphan-left", r"x\d+\+"), (PRINTER, "uncaught-exception", r"x\d+b")],
)
def test_what_named_schedules_were_made_for(
    program: str, diagnosis: str, code: str, tmp_path: Path, zygote: Zygote
) -> None:
    """A child that does nothing for long, a signal in the midst of a write."""
    file = tmp_path / "program.py"
    file.write_text(program)
    fly = flown(_runner(zygote, file))
    found = Search(fly, _fails, runs=20, systematic=20, preemptions=1).search()
    assert found.failure is not None
    smallest = shrink(fly, _fails, found.failure, runs=20)
    assert re.fullmatch(code, smallest.recording.schedule)
    again = fly(Pilot(decode(smallest.recording.schedule))).recording
    assert _normal(again) == _normal(smallest.recording)
    assert diagnosis in {finding.id for finding in general(again)}


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("x1z-2a", 1),
        ("x1a-99999b", 99999),
        ("x99999z", 99999),
        ("x99999+", 99999),
        ("x9999999999999999999999b-10000000000000000000000a", 9999999999999999999999),
        ("x1a", None),
    ],
)
def test_choices_that_cannot_be_made_are_told(
    zygote: Zygote, code: str, step: int | None
) -> None:
    """They are another program's, also where it is over before them."""
    pilot = Pilot(decode(code))
    run = _runner(zygote, PROGRAMS / "one_pipe.py")
    run(pilot.schedule)
    assert pilot.strayed == step


def test_a_search_keeps_to_its_runs(zygote: Zygote) -> None:
    """And tells how many there were after each."""
    counted: list[int] = []
    run = _runner(zygote, REFERENCE, "5")
    never: Callable[[Recording], bool] = lambda recording: False  # noqa: E731  # typed
    found = Search(flown(run), never, runs=7, progress=counted.append).search()
    assert found.runs == 7
    assert counted == list(range(1, 8))


def test_a_shrunk_run_is_called_by_what_it_did(zygote: Zygote) -> None:
    """Not by choices that were left and could not be made any more."""
    run = _runner(zygote, PROGRAMS / "one_pipe.py")
    cannot = {step: Turn(9) for step in (1, 2)}
    failure = Ran(cannot, run(Pilot(cannot).schedule))
    smallest = shrink(flown(run), lambda recording: True, failure, runs=10)
    assert smallest.choices == {}
    assert smallest.recording.schedule == "x"
