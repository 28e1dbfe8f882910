"""What ended a run from outside: limits, refused calls."""

from __future__ import annotations

from grader.diagnosis.finding import found, name, names
from grader.diagnosis.judged import is_beside
from grader.tracing.recording import (
    Excess,
    Limit,
    Recording,
    Refused,
    Stream,
    ThreadStarted,
    Wrote,
)
from grader.verdict import Finding

_DIAGNOSES = {
    Limit.PROCESSES: "too-many-processes",
    Limit.ZOMBIES: "too-many-processes",
    Limit.THREADS: "too-many-threads",
    Limit.OUTPUT: "too-much-output",
    Limit.MEMORY: "too-much-memory",
    Limit.DESCRIPTORS: "too-many-descriptors",
    Limit.FILES: "too-many-files",
    Limit.FILE_BYTES: "too-much-written",
}


def exceeded(run: Recording) -> list[Finding]:
    """The limit that ended the run, if one did.

    Processes beside those that were asked for may sleep on.
    """
    excess = run.excess
    if excess is None:
        return []
    limit = excess.limit
    process = run.process(excess.pid) if excess.pid else None
    if limit is Limit.VIRTUAL_TIME and process and is_beside(run, process):
        return []
    if limit is Limit.EVENTS and _mostly_prints(run):
        size = len(run.output) + len(run.errors)
        said = f"the program had printed {size} bytes and went on printing"
        return [found("too-much-output", f"{said}, so it was ended", run, excess.line)]
    said = f"{_said(run, excess)}, so it was ended"
    return [found(_DIAGNOSES.get(limit, "never-ends"), said, run, excess.line)]


def _said(run: Recording, excess: Excess) -> str:
    """What the program did, and what it may."""
    limit, used, allowed, pid, _ = excess
    who = name(run, pid) if pid else "the program"
    match limit:
        case Limit.PROCESSES:
            threads = len(run.of(ThreadStarted))
            return (
                f"the program had made {len(run.processes)} processes"
                + (f" and {threads} threads" if threads else "")
                + f", {used:.0f} were alive at once, and {allowed:.0f} may be"
            )
        case Limit.ZOMBIES:
            return (
                f"{used:.0f} processes that the program had made were dead and not "
                f"waited for, and {allowed:.0f} may be"
            )
        case Limit.THREADS:
            return (
                f"the program's processes had {used:.0f} threads at once, and "
                f"{allowed:.0f} may be"
            )
        case Limit.OUTPUT:
            return (
                f"the program had printed {len(run.output) + len(run.errors)} bytes, "
                f"{allowed:.0f} may be, and {who} went on printing"
            )
        case Limit.MEMORY:
            return (
                f"{who} wanted more memory: with that the program's processes would "
                f"hold {_mib(used)} MiB together, and {_mib(allowed)} MiB may be"
            )
        case Limit.DESCRIPTORS:
            return (
                f"{who} had {used:.0f} descriptors open and wanted more, and "
                f"{allowed:.0f} may be"
            )
        case Limit.FILES:
            return (
                f"{who} was about to make the program's file number {used:.0f}, and "
                f"{allowed:.0f} may be"
            )
        case Limit.FILE_BYTES:
            return (
                f"{who} wrote to a file: with that the program would have written "
                f"{_mib(used)} MiB to files, and {_mib(allowed)} MiB may be"
            )
        case Limit.PROCESSOR:
            return (
                f"{_did_not_end(run)}: the program computed for {used:.1f} seconds of "
                f"the processor's time, and {allowed:g} may be"
            )
        case Limit.VIRTUAL_TIME:
            return (
                f"{_did_not_end(run)}: {who} waits until {round(used, 3):.9g} seconds "
                f"after the program's start, and the program may last {allowed:g}"
            )
        case Limit.REAL_TIME:
            return (
                f"{_did_not_end(run)}: the program ran for {allowed:.3g} seconds of "
                "real time, and no more was left to it"
            )
        case Limit.EVENTS:
            return (
                f"{_did_not_end(run)}: the program made {used:.0f} system calls, and "
                f"{allowed:.0f} may be"
            )


def _did_not_end(run: Recording) -> str:
    """Who did not: the program as a whole, or those whom its first process left."""
    going = [process for process in run.processes if process.ended is None]
    if run.root.ended is None or not going:
        return "the program did not end"
    return f"{name(run, run.root)} ended, and {names(run, going)} did not"


def _mib(size: float) -> str:
    return f"{size / (1 << 20):.1f}".removesuffix(".0")


def _mostly_prints(run: Recording) -> bool:
    printed = sum(1 for e in run.of(Wrote) if isinstance(e.target, Stream))
    return printed > len(run.events) // 3


def refusals(run: Recording) -> list[Finding]:
    """Calls that were refused, one finding for each kind."""
    seen: dict[str, Refused] = {}
    for event in run.of(Refused):
        seen.setdefault(event.call, event)
    return [
        found(
            "forbidden-call",
            f"{name(run, event.pid)} called {event.call}"
            + (f" {event.detail}" if event.detail != event.call else "")
            + ", which was refused",
            run,
            event.line,
        )
        for event in seen.values()
    ]
