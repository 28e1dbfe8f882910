"""The course that hostile programs are graded in: exercise 1, and what tells."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.catalog import Course, Exercise
from grader.tracing.limits import Limits
from grader.verdict import Verdict

ROOT = Path(__file__).parents[2]
SECRET = "a-number-that-nobody-can-guess-4711"

# Small ones, so that whatever comes to a limit comes to it soon.
LIMITS = Limits(
    processes=12,
    output_bytes=1 << 16,
    cpu_seconds=0.25,
    memory_mib=80,
    virtual_seconds=3600,
    real_seconds=1.5,
    events=1000,
    busy_seconds=0.1,
)

# A hidden check, which fails with what the program did: what it printed, what was
# refused, and for how many seconds of real time it held the check.
TELLS = f'''\
"""{SECRET}"""

import json
import time

from grader.checking import CheckFailed, found, points
from grader.tracing.recording import Refused


@points(1)
def test_tells(program):
    """What a run did is told."""
    began = time.monotonic()
    run = program.run(fresh=True)
    told = {{
        "seconds": time.monotonic() - began,
        "output": (run.output + run.errors)[-4000:].hex(),
        "refused": sorted({{event.call for event in run.of(Refused)}}),
        "exceeded": str(run.exceeded),
        "processes": len(run.processes),
    }}
    raise CheckFailed([found("output-wrong", json.dumps(told), run)], run)
'''


def make_course(folder: Path) -> Exercise:
    """Exercise 1 with its solutions, small limits, and a hidden check that tells."""
    for part in ("exercises", "solutions"):
        shutil.copytree(ROOT / part / "exercise1", folder / part / "exercise1")
    hidden = folder / "hidden" / "exercise1"
    hidden.mkdir(parents=True)
    (hidden / "test_exercise1.py").write_text(TELLS)
    return replace(Course(folder).read("exercise1"), limits=LIMITS)


@dataclass(frozen=True, slots=True)
class Told:
    """What the hidden check told of a run."""

    seconds: float
    output: str
    refused: list[str]
    exceeded: str
    processes: int


def told(verdict: Verdict) -> Told:
    """What a run of a program did that was graded in this course."""
    (finding,) = next(c.findings for c in verdict.checks if c.id == "tells")
    data: dict[str, Any] = json.loads(finding.message)
    output = bytes.fromhex(data.pop("output")).decode(errors="replace")
    return Told(output=output, **data)
