"""Who waits for whom, and who wastes the processor over it."""

from __future__ import annotations

from grader.diagnosis.deadlock import graph, proof, sentence
from grader.diagnosis.finding import found, name, spoken
from grader.tracing.recording import (
    HandlerSet,
    Recording,
    SignalSent,
    Snapshot,
    Stream,
    signal_name,
)
from grader.verdict import Finding

_TIMELESS = ("pause", "rt_sigtimedwait", "rt_sigsuspend")


def deadlock(run: Recording) -> list[Finding]:
    """A run that ended because every process waited, and nothing could wake one."""
    rest = run.stuck
    if rest is None or rest.busy or any(p.state == "stopped" for p in rest.processes):
        return []
    waiters = [p for p in rest.processes if p.state == "waiting"]
    if not waiters or any(_waits_for_outside(p) for p in waiters):
        return []
    return [
        found(
            "deadlock",
            f"every process waits, and nothing can wake any of them: {proof(run)}",
            run,
            next((wait.line for wait in graph(run) if wait.line is not None), None),
        )
    ]


def _waits_for_outside(process: Snapshot) -> bool:
    """Whether a signal, the clock or standard input could still wake it."""
    return any(
        waiting.deadline is not None
        or waiting.call in _TIMELESS
        or any(isinstance(end, Stream) for end in waiting.ends)
        for waiting in process.waits
    )


def busy_wait(run: Recording) -> list[Finding]:
    """Processes that used the processor while there was nothing to do."""
    rests = [*run.rests, *([run.stuck] if run.stuck else [])]
    pids = sorted({p.pid for rest in rests for p in rest.busy})
    if not pids:
        return []
    return [
        found(
            "busy-wait",
            f"{name(run, pids[0])} kept the processor busy while it had nothing to do "
            "but wait",
            run,
        )
    ]


def never_ends(run: Recording) -> list[Finding]:
    """A run that was still going, or sleeping, when nothing more could happen."""
    rest = run.stuck
    if rest is None or run.exceeded or deadlock(run):
        return []
    alive = [p for p in rest.processes if p.state != "zombie"]
    if not alive:
        return []
    at_pipes = {wait.pid: wait for wait in graph(run) if wait.end is not None}
    said = "; ".join(
        sentence(run, at_pipes[p.pid])
        if p.pid in at_pipes
        else f"{name(run, p.pid)} {_goes_on(run, p)}"
        for p in alive[:4]
    )
    return [found("never-ends", said, run)]


def awaits_signals(run: Recording) -> bool:
    """Whether every process that lives at the end waits for a signal."""
    alive = still_there(run)
    return all(p.waiting and p.waiting.call in _TIMELESS for p in alive)


def still_there(run: Recording) -> list[Snapshot]:
    """The processes that live when a run had to be ended at rest."""
    return [p for p in run.stuck.processes if p.state != "zombie"] if run.stuck else []


def missed(run: Recording, pid: int) -> str:
    """What became of the signal that a process may be meant to wait for, and the cure.

    Empty where the program has sent it none, or it was waiting for that.
    """
    process = run.process(pid)
    if process is None:
        return ""
    caught = {e.signal for e in process.of(HandlerSet) if e.disposition == "handler"}
    sent = [
        event
        for event in run.of(SignalSent)
        if event.pid and event.target == pid and event.signal in caught
    ]
    if not sent:
        return ""
    reached = [e for e in process.signals if e.action == "handler"]
    last = sent[-1]
    if last.blocked and all(
        event.signal != last.signal or event.index < last.index
        for event in process.signals
    ):
        return (
            f": {signal_name(last.signal)} came, and it blocks that. Unblock it, or "
            "wait for it with `signal.sigwait`"
        )
    if not reached or reached[-1].interrupted in _TIMELESS:
        return ""
    if all(e.signal != reached[-1].signal for e in sent):
        return ""
    return (
        f" any more: {signal_name(reached[-1].signal)} came before it began to wait. "
        "Block it with `signal.pthread_sigmask` before you look whether it has come, "
        "and wait for it with `signal.sigwait`"
    )


def _goes_on(run: Recording, process: Snapshot) -> str:
    """How a process stays there for ever."""
    waiting = process.waiting
    if process.state == "stopped":
        return "stopped itself and nobody continues it"
    if process.state == "busy":
        return "runs on and on"
    if waiting is None or waiting.deadline is not None:
        return "sleeps again and again"
    if waiting.call in _TIMELESS:
        return f"waits for a signal that nobody sends{missed(run, process.pid)}"
    if any(isinstance(end, Stream) for end in waiting.ends):
        return "waits for input that nobody gives it"
    if waiting.call in ("wait4", "waitid"):
        one = waiting.target is not None and waiting.target > 0
        whom = name(run, waiting.target) if one else "a child"
        return f"waits for {whom} to end"
    if waiting.call == "futex":
        return "waits for a lock or a thread"
    return f"waits in {spoken(waiting.call)}"
