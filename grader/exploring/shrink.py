"""A failing schedule, reduced to the fewest choices that still fail."""

from __future__ import annotations

from grader.exploring.choices import Choices, Pilot, Turn
from grader.exploring.search import Fails, Fly, Ran


def shrink(fly: Fly, fails: Fails, failure: Ran, *, runs: int) -> Ran:
    """Leave out choices, in at most so many runs, while it fails.

    First many at a time and then each one (delta debugging: Zeller and Hildebrandt,
    2002). Without the others a choice may not be possible any more; what counts is what
    the run then really did.
    """
    best = failure
    left = runs
    size = max(1, len(best.choices) // 2)
    while size and best.choices:
        smaller = None
        for kept in _without_each(best.choices, size):
            if left <= 0:
                return best
            left -= 1
            ran = fly(Pilot(kept))
            if len(ran.choices) < len(best.choices) and fails(ran.recording):
                smaller = ran
                break
        if smaller is not None:
            best = smaller
            size = min(size, max(1, len(best.choices) // 2))
        else:
            size //= 2
    return best


def _without_each(choices: Choices, size: int) -> list[dict[int, Turn]]:
    steps = sorted(choices)
    parts = [set(steps[at : at + size]) for at in range(0, len(steps), size)]
    # What came late is more often of no use.
    return [
        {step: choices[step] for step in steps if step not in part}
        for part in reversed(parts)
    ]
