"""The picture of a run that went wrong, as it is kept with the check's findings."""

from __future__ import annotations

from collections.abc import Iterable

from grader.picture.culprits import culprits
from grader.picture.data import dumps
from grader.picture.layout import lay_out
from grader.tracing.recording import Recording
from grader.verdict import Finding

# Steps of it: what one looks through, and with `whole` what a file may hold.
STEPS = 40
MOST_STEPS = 600

# As many as a terminal has room for.
COLUMNS = 20


def picture_of(run: Recording, findings: Iterable[Finding], *, whole: bool) -> str:
    """What to draw of a run, as `grader.picture.data` writes it."""
    steps = MOST_STEPS if whole else STEPS
    blamed = culprits(run, findings)
    return dumps(lay_out(run, steps=steps, columns=COLUMNS, culprits=blamed))
