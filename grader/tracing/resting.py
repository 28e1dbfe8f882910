"""What each process is doing at a rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from grader.tracing.recording import Process, Snapshot, Waiting
from grader.tracing.tracee import State, Traced


def snapshots(
    processes: Iterable[Process], live: Mapping[int, Traced]
) -> tuple[Snapshot, ...]:
    """All processes that are there: those that live, and the zombies."""
    found = []
    for process in processes:
        owner = live.get(process.pid)
        if owner is not None:
            found.append(_snapshot(owner))
        elif _is_zombie(process, live):
            found.append(Snapshot(process.pid, "zombie", (), {}))
    return tuple(found)


def _is_zombie(process: Process, live: Mapping[int, Traced]) -> bool:
    parent = process.parent
    return (
        process.ended is not None
        and process.collected is None
        and not process.discarded
        and process.orphaned is None
        and parent is not None
        and parent.pid in live
    )


def _snapshot(owner: Traced) -> Snapshot:
    threads = list(owner.threads.values())
    waits = tuple(t.hold.waiting for t in threads if t.hold)
    if any(t.state is State.READY and t.spinning for t in threads):
        state = "busy"
    elif any(t.state is State.STOPPED for t in threads):
        state = "stopped"
    else:
        state = "waiting"
        if not waits:
            call = next((t.call.name for t in threads if t.call), "the kernel")
            waits = (Waiting(call=call),)
    return Snapshot(owner.pid, state, waits, owner.files.list())
