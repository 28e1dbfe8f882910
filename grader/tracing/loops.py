"""Proving that a thread goes round for ever.

A thread alone in its process that comes back to a state it was in before, every
register and every byte of memory the same, with nothing between but calls that told
it nothing new, does so for ever: nothing that it looks at can have changed. ``while
True: pass`` comes back within a few dozen instructions, which are stepped through one
by one, ptrace(2); a loop that asks ``waitpid`` again and again, at the next call.

What does not come back, a loop that counts, say, is not proven: the caller then falls
back on how much of the processor it used.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from grader.tracing import ptrace, syscalls
from grader.tracing.tracee import MANY_CALLS, Thread, Traced

_INSTRUCTIONS = 2000
_MOST_MEMORY = 64 << 20
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Looked:
    """What stepping through a thread has shown.

    `status` is a report of another kind that came instead of a step: its thread is
    stopped in it, waitpid(2).
    """

    loops: bool
    status: int | None = None


def look_for_loop(thread: Thread) -> Looked:
    """Step through a stopped thread, and see whether it comes back to where it is.

    The thread is stopped afterwards, and a little further on.
    """
    if len(thread.owner.threads) > 1:
        return Looked(False)
    before = _memory(thread.owner)
    if before is None:
        return Looked(False)
    now = syscalls.Registers()
    room = ptrace.RegisterSet(now)
    try:
        room.read(thread.tid)
        state = bytes(now)
        vectors = ptrace.get_vector_registers(thread.tid)
        for _ in range(_INSTRUCTIONS):
            ptrace.single_step(thread.tid)
            status = ptrace.wait(thread.tid)
            if not os.WIFSTOPPED(status) or status >> 8 != signal.SIGTRAP:
                return Looked(False, status)
            room.read(thread.tid)
            if bytes(now) == state:
                same = ptrace.get_vector_registers(thread.tid) == vectors
                return Looked(same and _memory(thread.owner) == before)
    except ProcessLookupError:  # killed while it was stopped
        status = ptrace.wait(thread.tid)
        return Looked(False, status)
    return Looked(False)


@dataclass(slots=True)
class Mark:
    """The state of a thread at the end of a call, to see whether it comes back."""

    registers: bytes
    memory: bytes
    tries: int = 3


# After how many calls without effect it is worth looking whether they come back.
_MARKED_AT = (MANY_CALLS, 1024)


def comes_back(thread: Thread) -> bool:
    """Whether a thread at a call's exit is where it was at an earlier one.

    To be asked at each call that had no effect, before anything else happened.
    """
    if thread.fruitless < _MARKED_AT[0] or len(thread.owner.threads) > 1:
        return False
    registers = syscalls.Registers()
    ptrace.RegisterSet(registers).read(thread.tid)
    if thread.fruitless in _MARKED_AT:
        memory = _memory(thread.owner)
        thread.mark = Mark(bytes(registers), memory) if memory else None
        return False
    mark = thread.mark
    if not isinstance(mark, Mark) or mark.registers != bytes(registers):
        return False
    mark.tries -= 1
    if mark.tries < 0:
        thread.mark = None
        return False
    return _memory(thread.owner) == mark.memory


def _memory(owner: Traced) -> bytes | None:
    """A digest of all that a process can change; None where that is too much."""
    # It takes as long to load as a short program to run, and is rarely needed.
    from hashlib import blake2b

    areas = list(_writable(owner.pid))
    if sum(end - start for start, end in areas) > _MOST_MEMORY:
        return None
    digest = blake2b(digest_size=16)
    for start, end in areas:
        for address in range(start, end, _BLOCK):
            digest.update(owner.read(address, min(_BLOCK, end - address)))
    return digest.digest()


def _writable(pid: int) -> Iterator[tuple[int, int]]:
    """The areas of a process's memory that it can write to, proc(5)."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
        for line in maps:
            area, permissions = line.split(maxsplit=2)[:2]
            # What the program sees in the page of its clock, the tracer knows.
            if permissions[1] == "w" and "/memfd:virtual-time" not in line:
                start, _, end = area.partition("-")
                yield int(start, 16), int(end, 16)
