"""Who waits for whom, and who wastes the processor over it."""

from __future__ import annotations

from grader.diagnosis.finding import found, name
from grader.tracing.recording import End, Recording, Rest, Side, Snapshot, Stream
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
            "every process waits, and nothing can wake any of them: "
            + "; ".join(_story(run, rest, p) for p in waiters[:4]),
            run,
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


def _story(run: Recording, rest: Rest, process: Snapshot) -> str:
    waiting = process.waiting
    who = name(run, process.pid)
    assert waiting is not None
    pipe_ends = [end for end in waiting.ends if isinstance(end, End)]
    if pipe_ends and waiting.call in ("read", "readv", "poll", "select", "pselect6"):
        return _reader(run, rest, who, process.pid, waiting.fds[0], pipe_ends[0])
    if pipe_ends:
        return (
            f"{who} waits for room in the pipe (descriptor {waiting.fds[0]}), which "
            "nobody reads now"
        )
    if waiting.call in ("wait4", "waitid"):
        if waiting.target is not None and waiting.target > 0:
            return f"{who} waits for {name(run, waiting.target)} to end"
        return f"{who} waits for a child to end"
    if waiting.call == "futex":
        return f"{who} waits for a lock"
    return f"{who} waits in {waiting.call}"


def _reader(run: Recording, rest: Rest, who: str, pid: int, fd: int, end: End) -> str:
    holders = rest.holders(End(end.pipe, Side.WRITE))
    if holders and all(holder == pid for holder, _ in holders):
        kept = " and ".join(str(descriptor) for _, descriptor in holders)
        return (
            f"{who} waits for end of file on the pipe (descriptor {fd}), and itself "
            f"still holds the pipe's write end open (descriptor {kept})"
        )
    others = ", ".join(
        f"{'itself' if holder == pid else name(run, holder)} (descriptor {descriptor})"
        for holder, descriptor in holders
    )
    return (
        f"{who} waits for data or end of file on the pipe (descriptor {fd}), whose "
        f"write end is still open in {others or 'nobody'}"
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
    said = "; ".join(f"{name(run, p.pid)} {_goes_on(run, p)}" for p in alive[:4])
    return [found("never-ends", said, run)]


def awaits_signals(run: Recording) -> bool:
    """Whether every process that lives at the end waits for a signal."""
    alive = [p for p in run.stuck.processes if p.state != "zombie"] if run.stuck else []
    return all(p.waiting and p.waiting.call in _TIMELESS for p in alive)


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
        return "waits for a signal that nobody sends"
    if any(isinstance(end, Stream) for end in waiting.ends):
        return "waits for input that nobody gives it"
    if waiting.call in ("wait4", "waitid"):
        one = waiting.target is not None and waiting.target > 0
        whom = name(run, waiting.target) if one else "a child"
        return f"waits for {whom} to end"
    return f"waits in {waiting.call}"
