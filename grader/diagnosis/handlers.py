"""Signal handlers: there or not, in time or late, blocking."""

from __future__ import annotations

from signal import SIGCHLD

from grader.diagnosis.finding import found, name
from grader.tracing.recording import (
    Forked,
    HandlerSet,
    Recording,
    SignalDelivered,
    WaitBegan,
    signal_name,
)
from grader.verdict import Finding


def missing(run: Recording, signal: int) -> list[Finding]:
    """The first process never had a handler for `signal`."""
    if _installed(run, signal):
        return []
    return [
        found(
            "handler-missing",
            f"{name(run, run.root)} never installed a handler for "
            f"{signal_name(signal)}",
            run,
        )
    ]


def late(run: Recording, signal: int) -> list[Finding]:
    """The first process installed its handler after it had forked."""
    handler, fork = _installed(run, signal), next(iter(run.root.of(Forked)), None)
    if handler is None or fork is None or handler.index < fork.index:
        return []
    return [
        found(
            "handler-late",
            f"{name(run, run.root)} forked {name(run, fork.child)} before it "
            f"installed its handler for {signal_name(signal)}",
            run,
            fork.line,
        )
    ]


def _installed(run: Recording, signal: int) -> HandlerSet | None:
    """When the first process installed its first handler for `signal`."""
    for event in run.root.of(HandlerSet):
        if event.signal == signal and event.disposition == "handler":
            return event
    return None


def blocks(run: Recording) -> list[Finding]:
    """After a SIGCHLD the parent waited, blocking, for a child that still lived."""
    delivered = [
        event
        for event in run.root.of(SignalDelivered)
        if event.signal == SIGCHLD and event.action == "handler"
    ]
    if not delivered:
        return []
    for event in run.root.of(WaitBegan):
        if event.waiting.call not in ("wait4", "waitid"):
            continue
        if event.index < delivered[0].index:
            return []  # its main program waits, not its handler
        alive = [
            child
            for child in run.root.children
            if child.began.index < event.index
            and (child.ended is None or child.ended.index > event.index)
        ]
        if alive:
            return [
                found(
                    "handler-blocks",
                    f"in its handler {name(run, run.root)} waited for a child to end, "
                    f"while {name(run, alive[0])} was still running",
                    run,
                    event.line,
                )
            ]
    return []
