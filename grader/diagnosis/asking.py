"""Waits that collected nobody, and why: wait(2)."""

from __future__ import annotations

import errno

from grader.tracing.recording import Recording, Waited


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
