"""Bytes that travel inside the kernel: splice(2), tee(2), vmsplice(2), sendfile(2).

They never pass through the tracee's memory, so what is about to move is looked at
before the call, where it lies: in a file, or in a pipe, which tee(2) reads without
taking anything out. Meanwhile no thread of the program runs.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress

from grader.tracing import ptrace
from grader.tracing.calls.ballast import unload_all
from grader.tracing.calls.handler import After, Handler, Then, Tracing
from grader.tracing.calls.transfers import (
    interrupted,
    pipe_of,
    probe,
    vector,
    would_block,
)
from grader.tracing.descriptors import Opened
from grader.tracing.recording import Read, Wrote
from grader.tracing.tracee import Call, Stir, Thread

# Where in its arguments a call has its source, the offset in it, how much is to
# move, and its target.
_SOURCE = {"splice": 0, "tee": 0, "sendfile": 1}
_OFFSET = {"splice": 1, "sendfile": 2}
_SIZE = {"splice": 4, "tee": 2, "sendfile": 3}
_TARGET = {"splice": 2, "tee": 1, "sendfile": 0, "vmsplice": 0}


def _enter_move(tracing: Tracing, thread: Thread, call: Call) -> Then:
    unload_all(tracing, thread.owner.files)
    opened = thread.owner.files.at(call.arguments[0])
    reads = call.name in ("splice", "tee")
    # What is printed never waits: there is always room.
    asks = opened is not None and opened.may_block and (reads or not opened.standard)
    if asks and not thread.cleared:
        events = select.POLLIN if reads else select.POLLOUT
        return probe(tracing, thread, call, events)
    thread.cleared = False
    target = thread.owner.files.at(call.arguments[_TARGET[call.name]])
    call.prints = target is not None and target.standard
    fills = target is not None and not target.may_block
    if fills and not tracing.may_fill(thread, _most(tracing, thread, call)):
        return Then.OVER
    if call.name == "vmsplice":
        call.moving = vector(thread, call, tracing.keeps)
    else:
        call.moving = _lying_in(thread, call, tracing.keeps)
    return Then.WATCH


def _most(tracing: Tracing, thread: Thread, call: Call) -> int:
    """How many bytes a call moves at most: programs ask for more than there is."""
    if call.name not in _SOURCE:
        return 0
    fd = call.arguments[_SOURCE[call.name]]
    files = thread.owner.files
    pipe = tracing.objects.by_number.get(pipe_of(files.at(fd)) or 0)
    return min(
        call.arguments[_SIZE[call.name]], pipe.capacity if pipe else files.size(fd)
    )


def _lying_in(thread: Thread, call: Call, most: int) -> bytes:
    files = thread.owner.files
    fd = call.arguments[_SOURCE[call.name]]
    size = min(call.arguments[_SIZE[call.name]], most)
    opened = files.at(fd)
    if opened is None:
        return b""
    with suppress(OSError):
        source = os.open(files.path(fd), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if pipe_of(opened) is not None:
                return ptrace.look_into_pipe(source, size)
            if call.name not in _OFFSET:
                return b""  # tee(2) takes pipes only, and says so
            return os.pread(source, size, _offset(thread, call, fd))
        finally:
            os.close(source)
    return b""


def _offset(thread: Thread, call: Call, fd: int) -> int:
    address = call.arguments[_OFFSET[call.name]]
    if address:
        # A bad address is EFAULT, and nothing moves then.
        data = thread.owner.read(address, 8)
        return int.from_bytes(data, sys.byteorder, signed=True)
    return thread.owner.files.position(fd)


def _leave_move(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    files = thread.owner.files
    if call.probing:
        opened = files.at(call.arguments[0])
        return would_block(tracing, thread, call, result, opened)
    if interrupted(result):
        return After.GO_ON
    data = call.moving[: max(result, 0)]
    for kind, ends, role in ((Read, _SOURCE, "source"), (Wrote, _TARGET, "target")):
        if call.name not in ends:
            continue
        fd = call.arguments[ends[call.name]]
        opened = files.at(fd)
        _doubt(tracing, opened)
        if opened is None or opened.may_block:
            room = {"asked": call.arguments[_SIZE[call.name]]} if kind is Read else {}
            tracing.record(
                kind,
                thread.pid,
                fd=fd,
                data=data,
                count=max(result, 0),
                error=max(-result, 0),
                **{role: opened.target if opened else "closed"},
                **room,
            )
    thread.progressed()
    tracing.stir(Stir.DATA)
    return After.SWITCH


def _doubt(tracing: Tracing, opened: Opened | None) -> None:
    """How much lies in the pipe is no longer known by counting."""
    pipe = tracing.objects.by_number.get(pipe_of(opened) or 0)
    if pipe:
        pipe.sure = False


_moving = Handler(_enter_move, _leave_move)

TABLE = dict.fromkeys(_TARGET, _moving)
