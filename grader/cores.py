"""Which processors are used: by runners, by graders, and by how many of them."""

from __future__ import annotations

import os
from contextlib import suppress


def count() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def cores_for(many: int) -> list[int | None]:
    """The core of each of `many` that work at once; None where the kernel chooses.

    Those who use all cores have one each, and more than one where there are more of
    them. Fewer stay where the kernel puts them: it sees who else is at work, also in
    other containers, and two commands side by side would choose the same cores.
    """
    cores = sorted(os.sched_getaffinity(0))
    if many < len(cores):
        return [None] * many
    return [cores[place % len(cores)] for place in range(many)]


def pin(pid: int, core: int | None) -> None:
    """Bind a process, 0 for this one, to a core if it has one.

    Tracer and tracees take turns: only one of them ever runs, and handing over to
    another core costs more than twice as much. Where no core is given, each run has
    the one that it begins on, see `grader.tracing.program`.
    """
    if core is not None:
        with suppress(OSError):
            os.sched_setaffinity(pid, {core})
