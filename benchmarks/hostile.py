"""What hostile programs gain, leave, disturb, and for how long they hold a check.

All of those that the tests know, graded one after the other. The limit of a check is
that of a run: all its runs share it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

from benchmarks.rows import Row
from grader import session
from grader.course import bench
from grader.session import ChecksStarting, CheckStarted
from grader.tracing.limits import Limits
from grader.verdict import CheckResult, Verdict
from tests.hostile.attacks import Attack, attacks
from tests.hostile.bystander import Bystander
from tests.hostile.course import LIMITS
from tests.hostile.test_hostile import MORE, Range, check, opened

# Nothing that takes time is limited but time itself.
_PATIENT = replace(
    LIMITS, real_seconds=0.5, cpu_seconds=60, busy_seconds=60, events=1_000_000
)


class _Watch:
    """For how long each check of a grading lasted."""

    def __init__(self) -> None:
        self.checks: dict[str, float] = {}
        self._began: dict[str, float] = {}

    def __call__(self, event: ChecksStarting | CheckStarted | CheckResult) -> None:
        if isinstance(event, CheckStarted):
            self._began[event.id] = time.monotonic()
        elif isinstance(event, CheckResult):
            self.checks[event.id] = time.monotonic() - self._began[event.id]


class _WatchedRange(Range):
    """One that watches the gradings of hostile programs, and not those in between."""

    def __init__(self, folder: Path, bystander: Bystander) -> None:
        super().__init__(folder, bystander)
        self.watches: dict[str, _Watch] = {}

    def shoot(self, attack: Attack) -> Verdict:
        watch = self.watches[attack.name] = _Watch()
        with patch.object(bench, "grade", partial(session.grade, progress=watch)):
            return super().shoot(attack)


def hostile() -> Iterator[Row]:
    """Under the limits of the tests, and where nothing but real time ends a flood."""
    shot = attacks()
    floods = [attack for attack in shot if attack.name.startswith("floods-")]
    bad: list[str] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder), _WatchedRange) as place,
    ):
        for attack in shot:
            try:
                check(place, attack)
            except (AssertionError, TimeoutError) as fault:
                bad.append(f"{attack}: {fault!r:.200}")
        held, place.watches = place.watches, {}
        place.exercise = replace(place.exercise, limits=_PATIENT)
        for attack in floods:
            place.shoot(attack)
    yield Row(
        "hostile programs that gain, leave or disturb anything",
        len(bad),
        0,
        "{:.0f}",
        "; ".join(bad) or f"of {len(shot)}",
    )
    yield from _holds("its limits", held, LIMITS)
    yield from _holds("a limit on time alone", place.watches, _PATIENT)


def _holds(what: str, watches: dict[str, _Watch], limits: Limits) -> Iterator[Row]:
    """Beyond the limit there is what is done after a run, such as removing files."""
    limit = limits.real_seconds
    seconds, who = max(
        (seconds, f"{name}, {check}")
        for name, watch in watches.items()
        for check, seconds in watch.checks.items()
    )
    yield Row(
        f"longest that a check lasts beyond {what}, in s",
        seconds - limit,
        MORE,
        says=f"{seconds:.2f} s of {limit:.2f} s: {who}",
    )
