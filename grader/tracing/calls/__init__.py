"""What each traced system call means: what to do at its entry and at its exit.

A family of calls is a module. `TABLE` maps a call's name to its `Handler`; a call
without one runs as it is, and the program may be interrupted after it.
"""

from __future__ import annotations

from grader.tracing.calls import (
    descriptors,
    files,
    keeping,
    locks,
    moves,
    polls,
    processes,
    reach,
    signals,
    times,
    transfers,
)
from grader.tracing.calls.handler import PLAIN, After, Handler, Then, Tracing

TABLE: dict[str, Handler] = {
    **transfers.TABLE,
    **moves.TABLE,
    **descriptors.TABLE,
    **files.TABLE,
    **polls.TABLE,
    **times.TABLE,
    **locks.TABLE,
    **signals.TABLE,
    **processes.TABLE,
    **keeping.TABLE,
    **reach.TABLE,
}

__all__ = ["PLAIN", "TABLE", "After", "Handler", "Then", "Tracing"]
