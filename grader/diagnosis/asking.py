"""Waits that collected nobody, and why: wait(2)."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from signal import SIGCHLD

from grader.tracing.recording import HandlerSet, Process, Recording, WaitBegan, Waited


def found_nobody(event: Waited) -> bool:
    """Whether it did not wait, and nobody had ended."""
    return event.no_hang and event.child is None and event.left is None


def asks_for_stranger(run: Recording, event: Waited) -> bool:
    """Whether a wait failed because it was for one who is no child of who asked."""
    if event.error != errno.ECHILD or event.target <= 0:
        return False
    asked_for = run.process(event.target)
    if asked_for is not None and asked_for.orphaned is not None:
        return False  # it may have been adopted, PR_SET_CHILD_SUBREAPER of prctl(2)
    process = run.process(event.pid)
    return process is None or asked_for not in process.forked


def stranger(event: Waited) -> str:
    """Whom such a wait was for."""
    who = "itself" if event.target == event.pid else str(event.target)
    return f"{who}, which is no child of its own"


def why_nobody(run: Recording, event: Waited) -> str:
    """What a wait that was not for a stranger, and collected nobody, was answered."""
    if event.error == errno.ECHILD and event.target > 0:
        one = run.process(event.target)
        before = one and one.collected and one.collected.index < event.index
        return f"{event.target} is {'collected already' if before else 'not there'}"
    if event.error == errno.ECHILD:
        if any(_is_there(run, event, pid) for pid in _forked(run, event)):
            return "it asks for none of its own"
        return "there is no child any more" if _forked(run, event) else "it has none"
    if event.error:
        return f"the call fails with {errno.errorcode.get(event.error, event.error)}"
    return "none has ended" + (", and WNOHANG does not wait" if event.no_hang else "")


def _forked(run: Recording, event: Waited) -> list[int]:
    """The children that who asks had forked by then."""
    process = run.process(event.pid)
    made = process.forked if process else []
    return [child.pid for child in made if child.began.index < event.index]


def _is_there(run: Recording, event: Waited, pid: int) -> bool:
    """Whether a child could be collected then, sooner or later."""
    child = run.process(pid)
    if child is None or child.discarded:
        return False
    return child.collected is None or child.collected.index > event.index


@dataclass(frozen=True, slots=True)
class InVain:
    """A wait that was to collect a child and could not: `what` it did, and the cure."""

    what: str
    cure: str


_WAITS = "`os.waitpid(pid, 0)` waits until the child has ended, and collects it"
_AS_WELL = "So do `wait` of a `Popen` and `join` of a `Process`."


def in_vain(child: Process) -> InVain | None:
    """The last wait by which a parent may have meant to collect a child, if there is.

    In a handler for SIGCHLD it is right not to wait, so of a parent that has one
    nothing is said.
    """
    parent = child.parent
    if parent is None or any(_is_handler(event) for event in parent.of(HandlerSet)):
        return None
    tried = [
        event
        for event in parent.of(Waited)
        if event.index > child.began.index and not event.child
    ]
    if not tried:
        return None
    last = tried[-1]
    at = "" if last.line is None else f" at line {last.line}"
    if last.left == child.pid:
        return InVain(
            f"its wait{at} only looked, since WNOWAIT leaves the status where it is",
            f"Leave WNOWAIT out, or wait once more without it: {_WAITS}.",
        )
    was_alive = child.ended is None or child.ended.index > last.index
    if (
        found_nobody(last)
        and not last.error
        and was_alive
        and last.target in (-1, child.pid)
    ):
        return InVain(
            f"it asked{at} with WNOHANG, which does not wait, and nobody had ended yet",
            f"Ask without WNOHANG: {_WAITS}. {_AS_WELL}",
        )
    known = [process.pid for process in parent.forked]
    if last.error == errno.ECHILD and last.target > 0 and last.target not in known:
        return InVain(
            f"it asked{at} for {stranger(last)}",
            f"Ask for the pid that fork returned in the parent: {_WAITS}.",
        )
    return None


def _is_handler(event: HandlerSet) -> bool:
    return event.signal == SIGCHLD and event.disposition == "handler"


def waits_as_its_parent(child: Process) -> bool:
    """Whether the last wait of a child, which failed, is one that its parent makes.

    The child has forked nobody: it waits for any child, where its parent does too, for
    a brother for whom its parent waits, or for the 0 that fork returned to it, where
    its parent waits for what fork returned there.
    """
    waits = child.of(Waited)
    parent = child.parent
    if parent is None or child.forked or not waits or waits[-1].error != errno.ECHILD:
        return False
    target = waits[-1].target
    of_parent = {event.target for event in parent.of(Waited)}
    of_parent |= {event.waiting.target or 0 for event in parent.of(WaitBegan)}
    of_children = of_parent & {process.pid for process in parent.forked}
    if target == 0:
        return bool(of_children)
    return target in of_children or (target == -1 and target in of_parent)
