"""What each process is doing at a rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from grader.tracing.recording import Process, Snapshot, Stream, Waiting
from grader.tracing.tracee import Call, State, Thread, Traced

# Calls that can sleep in the kernel, and say by their first argument on what.
_ON_DESCRIPTOR = frozenset(("read", "readv", "write", "writev", "fcntl"))


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
    if any(
        t.busy_beside_sleeps if t.state is State.HELD else _spins(t) for t in threads
    ):
        state = "busy"
    elif any(t.state is State.STOPPED for t in threads):
        state = "stopped"
    else:
        state = "waiting"
        if not waits:
            call = next((t.call for t in threads if t.call), None)
            waits = (_inside(owner, call) if call else Waiting(call="the kernel"),)
    return Snapshot(owner.pid, state, waits, owner.files.list())


def _spins(thread: Thread) -> bool:
    return thread.state is State.READY and thread.spinning


def _inside(owner: Traced, call: Call) -> Waiting:
    """What a process waits in that sleeps in the kernel."""
    fd = call.arguments[0]
    opened = owner.files.at(fd) if call.name in _ON_DESCRIPTOR else None
    if opened is None or isinstance(opened.target, Stream):
        return Waiting(call=call.name, line=call.line)
    return Waiting(call.name, (fd,), (opened.target,), line=call.line)
