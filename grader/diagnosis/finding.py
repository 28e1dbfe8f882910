"""Making findings: the caller knows what happened, the texts why it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from grader.diagnosis.texts import text
from grader.tracing.recording import Process, Recording
from grader.verdict import Finding


def found(
    diagnosis: str, message: str, run: Recording, line: int | None = None
) -> Finding:
    """A finding in one run: `message` says what happened there."""
    known = text(diagnosis)
    return Finding(
        id=diagnosis,
        message=message,
        why=known.why,
        read=known.read,
        line=line,
        schedule=run.schedule,
    )


def name(run: Recording, process: Process | int | None) -> str:
    """How a process is called in messages: its part in the program, and its pid."""
    if isinstance(process, int):
        known = run.process(process)
        if known is None:
            return f"process {process}"
        process = known
    if process is None:
        return "the grader"
    if process is run.root:
        part = "the parent" if process.children else "the program"
    elif process.parent is run.root:
        part = "the child"
    else:
        part = "the grandchild"
    return f"{part} {process.pid}"


def names(run: Recording, processes: Iterable[Process]) -> str:
    """Several processes in a message."""
    found = [name(run, process) for process in processes]
    if len(found) > 4:
        found = [*found[:3], f"{len(found) - 3} more"]
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} and {found[-1]}"


Detector = Callable[[Recording], list[Finding]]
