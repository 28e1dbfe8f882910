"""Whom a run's findings point at, as far as the recording itself says it.

Nobody is marked where that would be a guess: a picture that blames the wrong process is
worse than one that blames none.
"""

from __future__ import annotations

from collections.abc import Iterable

from grader.picture.draft import uncollected
from grader.picture.model import Culprit
from grader.tracing.recording import End, Process, Recording, Side
from grader.verdict import Finding


def culprits(run: Recording, findings: Iterable[Finding]) -> tuple[Culprit, ...]:
    """The processes to mark in a picture of `run`, each once."""
    found: dict[int, Culprit] = {}
    for finding in findings:
        if finding.id in ("zombie-left", "signals-merged"):
            some = _who_left_zombies(run)
        elif finding.id == "orphan-left":
            some = _who_ended_first(run)
        elif finding.id == "busy-wait":
            some = _who_is_busy(run)
        elif finding.id == "deadlock":
            some = _who_waits_for_itself(run)
        else:
            some = []
        for culprit in some:
            found.setdefault(culprit.pid, culprit)
    return tuple(found.values())


def _who_left_zombies(run: Recording) -> list[Culprit]:
    left: dict[int, list[Process]] = {}
    for process in run.processes:
        if process.parent is not None and uncollected(process):
            left.setdefault(process.parent.pid, []).append(process)
    return [
        Culprit(
            pid,
            why=f"never collected {children[0].pid}"
            + (f" and {len(children) - 1} more" if len(children) > 1 else ""),
        )
        for pid, children in left.items()
    ]


def _who_ended_first(run: Recording) -> list[Culprit]:
    left: dict[int, int] = {}
    for process in run.processes:
        if process.orphaned is not None and not process.is_helper:
            left.setdefault(process.orphaned.parent, process.pid)
    return [
        Culprit(parent, why=f"ended while {child} was still running")
        for parent, child in left.items()
    ]


def _who_is_busy(run: Recording) -> list[Culprit]:
    rests = [*run.rests, *([run.stuck] if run.stuck else [])]
    pids = sorted({process.pid for rest in rests for process in rest.busy})
    return [Culprit(pid, why="keeps the processor busy") for pid in pids[:1]]


def _who_waits_for_itself(run: Recording) -> list[Culprit]:
    """A reader that waits for the end of file that only itself holds back."""
    found = []
    for process in run.stuck.processes if run.stuck else ():
        waiting = process.waiting
        ends = waiting.ends if waiting else ()
        for end in ends:
            if not isinstance(end, End) or end.side is not Side.READ:
                continue
            other = End(end.pipe, Side.WRITE)
            holders = run.stuck.holders(other) if run.stuck else ()
            if holders and all(pid == process.pid for pid, _ in holders):
                found.append(Culprit(process.pid, other))
    return found
