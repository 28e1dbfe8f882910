"""Lines that an exercise asks for, and what was printed instead."""

from __future__ import annotations

import pytest

from grader.diagnosis.output import absent
from tests.conftest import Run


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("pass", "the program PID should print 'ready', and it did not"),
        (
            "import sys; print('ready ', file=sys.stderr)",
            (
                "the program PID should print 'ready', and it did not: the program PID "
                "wrote it to standard error"
            ),
        ),
        (
            "import os; os.fork() and os.wait() or print('ready')",
            (
                "the parent PID should print 'ready', and it did not: the child PID "
                "printed it"
            ),
        ),
        (
            "print('Ready!')",
            (
                "the program PID should print 'ready', and the program PID printed "
                "'Ready!'"
            ),
        ),
    ],
)
def test_where_a_missing_line_went(run: Run, program: str, told: str) -> None:
    """It is told who printed it instead, or where it was printed."""
    recording = run(program)
    (finding,) = absent(recording, "ready", recording.root)
    message = finding.message
    for process in recording.processes:
        message = message.replace(str(process.pid), "PID")
    assert message == told
