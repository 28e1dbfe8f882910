"""Waiting for several things at once: poll(2), select(2), epoll_wait(2).

Such a call is made with no time to wait; where nothing has come, the thread is
held, and the call is made again when something may have.

To be told that something is there is to get somewhere; to be told so again, with
nothing read, written, accepted or closed since, is not. Others then get their turn:
one of them may be who is to read it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from grader.tracing import syscalls
from grader.tracing.calls.ballast import unload_all
from grader.tracing.calls.handler import After, Handler, Then, Tracing
from grader.tracing.calls.transfers import interrupted
from grader.tracing.clock import NANO, from_timespec, from_timeval, timespec
from grader.tracing.recording import Target, Waiting
from grader.tracing.tracee import Call, Stir, Thread

# Where a call keeps its time limit: the argument, and how to read it. None means
# that it waits for ever.
_Timeout = Callable[[Thread, int], int | None]


def _milliseconds(thread: Thread, value: int) -> int | None:
    value &= 0xFFFFFFFF
    return None if value >> 31 else value * (NANO // 1000)


def _timespec_at(thread: Thread, address: int) -> int | None:
    return from_timespec(thread.owner.read(address, 16)) if address else None


def _timeval_at(thread: Thread, address: int) -> int | None:
    return from_timeval(thread.owner.read(address, 16)) if address else None


TIMEOUTS: dict[str, tuple[int, _Timeout]] = {
    "poll": (2, _milliseconds),
    "ppoll": (2, _timespec_at),
    "select": (4, _timeval_at),
    "pselect6": (4, _timespec_at),
    "epoll_wait": (3, _milliseconds),
    "epoll_pwait": (3, _milliseconds),
    "epoll_pwait2": (3, _timespec_at),
}


def _sets(thread: Thread, call: Call) -> list[tuple[int, bytes]]:
    """The descriptor sets of select(2), which the call overwrites."""
    size = (min(call.arguments[0] & 0xFFFFFFFF, 1024) + 63) // 64 * 8
    return [
        (address, thread.owner.read(address, size))
        for address in call.arguments[1:4]
        if address
    ]


def _enter(tracing: Tracing, thread: Thread, call: Call) -> Then:
    unload_all(tracing, thread.owner.files)
    index, read = TIMEOUTS[call.name]
    waits = read(thread, call.arguments[index])
    if waits == 0:
        return Then.WATCH
    if read is _milliseconds:
        tracing.change(thread, call, {index: 0})
    else:
        tracing.borrow(thread, call, call.stack, timespec(0))
        tracing.change(thread, call, {index: call.stack})
    if call.name in ("select", "pselect6"):
        # Put back if nothing has come, so that the call can be made again.
        call.inputs = _sets(thread, call)
    call.probing = True
    return Then.WATCH


def _leave(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    if interrupted(result):
        return After.GO_ON
    expired = thread.hold is not None and thread.hold.expired
    if not call.probing or result != 0 or expired:
        if result > 0 and (thread.hold is not None or not thread.told_ready):
            thread.progressed()
            thread.told_ready = True
        elif not expired:
            thread.fruitless += 1
        return After.SWITCH
    for address, data in call.inputs:
        thread.owner.write(address, data)
    if thread.hold is not None:
        deadline = thread.hold.deadline
    else:
        index, read = TIMEOUTS[call.name]
        waits = read(thread, call.arguments[index])
        deadline = None if waits is None else tracing.clock.now + waits
    fds, ends = _watched(thread, call)
    return tracing.hold(
        thread,
        call,
        Waiting(call=call.name, fds=fds, ends=ends),
        Stir.DATA | Stir.CHILD,  # a pidfd becomes readable when its process ends
        restart=syscalls.RESTART_WITHOUT_HANDLER,
        deadline=deadline,
    )


def _watched(thread: Thread, call: Call) -> tuple[tuple[int, ...], tuple[Target, ...]]:
    """Which descriptors the call waits for, and what they are."""
    fds: list[int] = []
    if call.name in ("poll", "ppoll"):
        count = min(call.arguments[1] & 0xFFFFFFFF, 64)
        data = thread.owner.read(call.arguments[0], count * 8)
        entries = struct.iter_unpack("=ihh", data[: len(data) // 8 * 8])
        fds = [fd for fd, _, _ in entries]
    elif call.name in ("select", "pselect6"):
        bits = {
            byte * 8 + bit
            for _, data in call.inputs
            for byte, value in enumerate(data)
            for bit in range(8)
            if value >> bit & 1
        }
        fds = sorted(bits)
    else:
        fds = [call.arguments[0]]
    opened = [(fd, thread.owner.files.at(fd)) for fd in fds if fd >= 0]
    return (
        tuple(fd for fd, _ in opened),
        tuple(what.target if what else "closed" for _, what in opened),
    )


TABLE = {name: Handler(_enter, _leave) for name in TIMEOUTS}
