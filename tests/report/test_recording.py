"""A recording as JSON says how a limit was gone over."""

from __future__ import annotations

import json

from grader.report.recording import recording_json
from grader.tracing.limits import Limits
from tests.conftest import Run


def test_an_excess(run: Run) -> None:
    """What was used, what may be, and who went over it, where."""
    program = "n = 0\nwhile True: open(str(n), 'w').close(); n += 1\n"
    recording = run(program, limits=Limits(files=3), lines=True)
    told = json.loads(json.dumps(recording_json(recording, [])))
    assert told["exceeded"] == "files"
    pid = recording.root.pid
    assert told["excess"] == {"used": 4, "allowed": 3, "pid": pid, "line": 2}


def test_no_excess(run: Run) -> None:
    """A program that stays within its limits went over none."""
    told = recording_json(run("pass"), [])
    assert told["exceeded"] is told["excess"] is None
