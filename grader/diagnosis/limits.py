"""What ended a run from outside: limits, refused calls."""

from __future__ import annotations

from grader.diagnosis.finding import found, name
from grader.tracing.recording import (
    Limit,
    Recording,
    Refused,
    Stream,
    ThreadStarted,
    Wrote,
)
from grader.verdict import Finding


def exceeded(run: Recording) -> list[Finding]:
    """The limit that ended the run, if one did."""
    limit = run.exceeded
    if limit is None:
        return []
    threads = len(run.of(ThreadStarted))
    if limit is Limit.PROCESSES:
        return [
            found(
                "too-many-processes",
                f"the program had made {len(run.processes)} processes"
                + (f" and {threads} threads" if threads else "")
                + " and was still making more, so it was ended",
                run,
            )
        ]
    if limit is Limit.OUTPUT or (limit is Limit.EVENTS and _mostly_prints(run)):
        size = len(run.output) + len(run.errors)
        return [
            found(
                "too-much-output",
                f"the program had printed {size} bytes and went on printing, so it "
                "was ended",
                run,
            )
        ]
    if limit is Limit.MEMORY:
        return [
            found(
                "too-much-memory",
                "the program's processes took more memory than they may, so it was "
                "ended",
                run,
            )
        ]
    what = {
        Limit.PROCESSOR: "used up its processor time",
        Limit.VIRTUAL_TIME: "sleeps beyond the time that a run may last",
        Limit.REAL_TIME: "ran for as long as it may",
        Limit.EVENTS: f"made {len(run.events)} system calls",
    }[limit]
    return [found("never-ends", f"the program {what} and did not end", run)]


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
