"""What breaks the promise that something holds in any order of events."""

from __future__ import annotations

from collections.abc import Callable

from grader.exploring.choices import Pilot
from grader.exploring.orders import IN_GRADING
from grader.exploring.search import Fly, Ran, Search
from grader.exploring.shrink import shrink
from grader.tracing.recording import Executed, Recording

# So many steps the runs of a search may have, each on average: a program that has far
# more is searched in fewer runs.
_STEPS = 200

# What it takes to start a program, in steps: as much as a short run.
_STEPS_OF_A_START = 400

# A program that does more than that under a schedule that is looked at anyway, events
# in one run, is not searched at all: one run of a search would cost as much.
LONGEST_SEARCHED = IN_GRADING * _STEPS

# So many runs are made at most to shorten what was found.
_SHRINKING = 40

# What a run is told, None where nothing is wrong with it.
Diagnosis = Callable[[Recording], str | None]


def breaking(fly: Fly, diagnosis: Diagnosis, *, runs: int) -> Recording | None:
    """A run that has a diagnosis, by the fewest choices that still lead to the same.

    None where none is found in so many runs. As many as there are in grading are
    systematic, and half of those beyond. In grading a search is over before that where
    processes met in every way that its runs have shown: what it would go on with is
    more of the same.
    """
    steps = 0

    def counting(pilot: Pilot) -> Ran:
        nonlocal steps
        ran = fly(pilot)
        steps += len(ran.recording.steps)
        steps += len(ran.recording.of(Executed)) * _STEPS_OF_A_START
        return ran

    found = Search(
        counting,
        lambda run: diagnosis(run) is not None,
        runs=runs,
        repeat=runs > IN_GRADING,
        systematic=(runs + min(runs, IN_GRADING)) // 2,
        enough=lambda: steps > runs * _STEPS,
    ).search()
    if found.failure is None:
        return None
    first = diagnosis(found.failure.recording)
    smallest = shrink(
        fly, lambda run: diagnosis(run) == first, found.failure, runs=_SHRINKING
    )
    return smallest.recording
