"""A run as it is judged: which of its processes were asked for, and which are beside.

A program may have processes that its exercise neither asks for nor forbids: a command
that it runs, a manager of its library's. Only the exercise can tell them from children,
once for each run. It says so here, and its run goes on as `Judged`, which is the same
recording. Detectors of what children are to do ask `children_of` and `is_beside`; all
others, and the stories, see whoever is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from grader.tracing.recording import Process, Recording


@dataclass(slots=True)
class Judged(Recording):
    """A recording, and its processes that are not what was asked for."""

    beside: frozenset[Process] = frozenset()


def judged(run: Recording, *, beside: Iterable[Process]) -> Recording:
    """The same run, of which these processes too are not what was asked for."""
    those = _beside(run).union(beside)
    if not those:
        return run
    recorded = {part.name: getattr(run, part.name) for part in fields(Recording)}
    return Judged(**recorded, beside=those)


def is_beside(run: Recording, process: Process) -> bool:
    """Whether a process is not what was asked for."""
    return process in _beside(run)


def children_of(run: Recording) -> list[Process]:
    """The children of the first process that were asked for, as it forked them."""
    return [child for child in run.root.children if not is_beside(run, child)]


def _beside(run: Recording) -> frozenset[Process]:
    return run.beside if isinstance(run, Judged) else frozenset()
