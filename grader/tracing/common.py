"""What lies in memory that processes share, and who may have been told something there.

A process that writes there makes no call. One that spins until somebody has done so is
shown something new all the same, and may go on.

It is not where only others have written that get nowhere themselves: two that count in
such memory, each until the other stops, would keep each other going.
"""

from __future__ import annotations

from hashlib import blake2b

from grader.tracing.procfs import contents
from grader.tracing.tracee import Glimpse, Thread, Traced

# More than this is not read: where nobody has written, the kernel would first make it.
_MOST = 32 << 20


def glimpse(thread: Thread, moves: int) -> Glimpse | None:
    """What a thread that is stopped has seen at most; None where it shares no memory.

    Others that got somewhere have made so many `moves` until now.
    """
    digest = _digest(thread.owner)
    return None if digest is None else Glimpse(digest, moves)


def was_shown(thread: Thread, moves: int) -> bool:
    """Whether others have written to its memory since its `Thread.glimpse`.

    That is looked at where one of them got somewhere, after as many `moves`.
    """
    last = thread.glimpse
    if last is None or last.moves == moves:
        return False
    thread.glimpse = now = glimpse(thread, moves)
    return now is not None and now.digest != last.digest


def _digest(owner: Traced) -> bytes | None:
    """What it shares; None where that is nothing, or too much."""
    try:
        lines = contents(f"/proc/{owner.pid}/maps").splitlines()
    except OSError:
        return None
    areas = []
    for line in lines:
        area, permissions, *_ = line.split(maxsplit=2)
        # The page of its clock is the tracer's own.
        if permissions.endswith(b"s") and b"/memfd:virtual-time" not in line:
            first, _, last = area.partition(b"-")
            areas.append((int(first, 16), int(last, 16)))
    if not areas or sum(end - start for start, end in areas) > _MOST:
        return None
    digest = blake2b(digest_size=16)
    for start, end in areas:
        digest.update(owner.read(start, end - start))
    return digest.digest()
