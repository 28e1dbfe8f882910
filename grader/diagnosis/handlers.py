"""Signal handlers: there or not, in time or late, blocking, idle."""

from __future__ import annotations

from signal import SIGCHLD

from grader.diagnosis.asking import found_nobody
from grader.diagnosis.finding import found, name
from grader.diagnosis.judged import children_of, is_beside
from grader.tracing.recording import (
    Ended,
    Event,
    Forked,
    HandlerSet,
    Process,
    Recording,
    SignalDelivered,
    Slept,
    WaitBegan,
    Waited,
    signal_name,
)
from grader.verdict import Finding

_WAITS = ("wait4", "waitid")

# Who asks more often in a row whether a child has ended waits for that, and is not only
# on the safe side. The tracer lets others go on while one asks, but a little later,
# `tracee.MANY_CALLS`, so none has ended by then.
_MOST_QUESTIONS = 150

# So does who sleeps so often between two questions; who sleeps on in one state is known
# to do so for ever after a few more, `loops.sleeps_on`.
_MOST_SLEEPS = 12


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
    """The first process installed its handler after it had forked a child."""
    handler = _installed(run, signal)
    pids = {child.pid for child in children_of(run)}
    forks = (event for event in run.root.of(Forked) if event.child in pids)
    fork = next(forks, None)
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


def _handled(run: Recording) -> list[SignalDelivered]:
    """The signals that had a handler, once the first child had ended."""
    ends = [child.ended.index for child in children_of(run) if child.ended]
    first = min(ends, default=len(run.events))
    return [
        event
        for event in run.root.of(SignalDelivered)
        if event.action == "handler" and event.index > first
    ]


def blocks(run: Recording) -> list[Finding]:
    """After a SIGCHLD the parent waited for a child that still lived.

    In a call that blocks, or by asking again and again whether it has ended. Who asks
    for a process beside its children, by its pid, is taken to be the main program.
    What other threads do is no handler's: Python runs these in the first one.
    """
    calls = _handled(run)
    first = next((e.index for e in calls if e.signal == SIGCHLD), None)
    if first is None:
        return []
    beside = {process.pid for process in run.processes if is_beside(run, process)}
    questions = sleeps = 0  # in a row, with nobody who had ended
    for event in run.root.events:
        if _asked(event) in beside or _thread(event) != run.root.pid:
            continue
        if isinstance(event, WaitBegan) and event.waiting.call in _WAITS:
            alive = _alive(run, event.index)
            how = "waited for a child to end"
        elif isinstance(event, Waited) and found_nobody(event):
            questions += 1
            goes_on = questions > _MOST_QUESTIONS or sleeps >= _MOST_SLEEPS
            alive = _alive(run, event.index) if goes_on else None
            how = f"asked {questions} times in a row whether a child has ended"
        else:
            if isinstance(event, SignalDelivered | Waited):
                questions = sleeps = 0
            elif isinstance(event, Slept) and questions:
                sleeps += 1
            continue
        if not alive:
            continue
        if event.index < first:
            return []  # its main program waits, not its handler
        return [
            found(
                "handler-blocks",
                f"in its handler {name(run, run.root)} {how}, while "
                f"{name(run, alive)} was still running",
                run,
                event.line,
            )
        ]
    return []


def _asked(event: Event) -> int | None:
    """The pid that a wait is for; -1 for any child, None where it is no wait."""
    if isinstance(event, WaitBegan):
        return event.waiting.target
    return event.target if isinstance(event, Waited) else None


def _thread(event: Event) -> int:
    """The thread that did something; where that is not told, the first one."""
    if isinstance(event, WaitBegan | Waited | Slept):
        return event.tid
    return event.pid


def _alive(run: Recording, index: int) -> Process | None:
    """A child of the first process that lives at an event."""
    for child in run.root.children:
        ended = child.ended.index if child.ended else index + 1
        if child.began.index < index < ended:
            return child
    return None


def idle(run: Recording) -> list[Finding]:
    """A SIGCHLD had its handler, and the main program collected the child without it.

    Where it does not happen because of the signal: in a wait that began before, or
    after a sleep that went on behind the handler. Who is woken by its handler collects
    at once, through a pipe or by a thread, and is not meant. Processes beside its
    children may be collected in any way.
    """
    root = run.root
    handled = _handled(run)
    calls = [event for event in handled if event.signal == SIGCHLD]
    if not calls:
        return []
    for child in children_of(run):
        if child.collected is None or child.collected.pid != root.pid:
            continue
        if _was_waited_for(root, child.collected, handled[0]):
            how = (
                f"{name(run, root)} waited for {name(run, child)} outside of its "
                "handler, which found nothing left to collect"
            )
        elif call := _slept_on(root, child, calls):
            later = child.collected.time - call.time
            is_main = child.collected.tid == root.pid
            who = "the main program" if is_main else "another thread"
            how = (
                f"the handler of {name(run, root)} was called for {name(run, child)} "
                f"and did not collect it; {who} slept on, and collected it "
                f"{round(later, 3):g} s later"
            )
        else:
            continue
        return [found("handler-idle", how, run, child.collected.line)]
    return []


def is_outside(run: Recording, collected: Waited) -> bool:
    """Whether the first process collected a child when it ran no handler for certain.

    In another thread, or before any was called, or when it has forked since.
    """
    root = run.root
    if collected.pid != root.pid:
        return False
    for event in reversed(root.events):
        if event.index >= collected.index:
            continue
        if isinstance(event, SignalDelivered) and event.action == "handler":
            return collected.tid != root.pid
        if isinstance(event, Forked):
            return True
    return True


def _was_waited_for(root: Process, collected: Waited, handled: SignalDelivered) -> bool:
    """Whether a child was collected by a wait that began before any handler ran."""
    last = _last_wait(root, collected)
    return (
        isinstance(last, WaitBegan)
        and last.waiting.call in _WAITS
        and last.index < handled.index
    )


def _last_wait(root: Process, collected: Waited) -> WaitBegan | Waited | None:
    """What the thread that collected a child waited in before, for that or not."""
    before = [
        event
        for event in root.events
        if event.index < collected.index
        and isinstance(event, WaitBegan | Waited)
        and event.tid == collected.tid
    ]
    return before[-1] if before else None


def _slept_on(
    root: Process, child: Process, calls: list[SignalDelivered]
) -> SignalDelivered | None:
    """The signal whose handler came back without a child that had ended.

    The sleep that it interrupted then went on to its end, time.sleep in Python. That of
    another thread is not interrupted; it counts where no handler had run before, which
    could have told it to collect.
    """
    assert child.ended is not None
    assert child.collected is not None
    if child.collected.tid != root.pid:
        last = _last_wait(root, child.collected)
        is_through = isinstance(last, WaitBegan) and _is_through(
            last, calls[0], child.ended, child.collected
        )
        return calls[0] if is_through else None
    waits = [wait for wait in root.of(WaitBegan) if wait.tid == root.pid]
    for call in calls:
        if not child.ended.index < call.index < child.collected.index:
            continue
        before = [wait for wait in waits if wait.index < call.index]
        after = [wait for wait in waits if wait.index > call.index]
        if not before or not after or call.interrupted is None:
            continue
        deadline = before[-1].waiting.deadline
        if (
            deadline is not None
            and after[0].waiting.deadline == deadline <= child.collected.time
            and not _collected_between(root, call, after[0])
        ):
            return call
    return None


def _is_through(
    sleep: WaitBegan, call: SignalDelivered, ended: Ended, collected: Waited
) -> bool:
    """Whether a sleep began before a handler was called, and ran out after that."""
    deadline = sleep.waiting.deadline
    return (
        deadline is not None
        and max(sleep.index, ended.index) < call.index
        and call.time < deadline <= collected.time
    )


def _collected_between(root: Process, start: Event, end: Event) -> bool:
    return any(
        event.child and start.index < event.index < end.index
        for event in root.of(Waited)
    )
