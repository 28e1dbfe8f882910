"""What a check that promises "in any order" looks at.

This module imports nothing: a worker is told this before it has loaded anything.
"""

from __future__ import annotations

from dataclasses import dataclass

# So many runs a search makes at most for one check's promise. A number of runs and not
# of seconds: a verdict must not depend on the machine.
IN_GRADING = 12

# So many where a course is verified.
IN_PROOF = 120


@dataclass(frozen=True, slots=True)
class Orders:
    """The runs that a promise of any order is held against.

    First those under the schedules that the check names, unless not `named`. Then a
    search makes `runs` at most. `only` is the one schedule to look at instead: its
    name, or its code.
    """

    named: bool = True
    runs: int = IN_GRADING
    only: str | None = None


AS_GRADED = Orders()
