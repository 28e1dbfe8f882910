"""Making, copying and closing descriptors: pipe(2), dup(2), fcntl(2), close(2)."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from grader.tracing.calls.ballast import shrink
from grader.tracing.calls.handler import After, Handler, Then, Tracing, watch
from grader.tracing.recording import Closed, Duplicated, End, PipeMade
from grader.tracing.tracee import Call, Stir, Thread

_F_DUPFD_CLOEXEC = 1030
_F_SETOWN = 8
_F_SETOWN_EX = 15
_LEASES = (fcntl.F_SETLEASE, 1040)  # and F_SETDELEG, which is new in Linux 6.19
_CLOSE_RANGE_CLOEXEC = 4


def _leave_pipe(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    if result < 0:
        _tell_lack(tracing, thread, result)
        return After.SWITCH
    files = thread.owner.files
    made = thread.owner.read(call.arguments[0], 8)
    if len(made) < 8:
        return After.SWITCH
    read_fd, write_fd = struct.unpack("=ii", made)
    try:
        pipe = tracing.objects.add_pipe(os.readlink(files.path(read_fd)))
    except OSError:
        return After.SWITCH
    pipe.packets = call.name == "pipe2" and bool(call.arguments[1] & os.O_DIRECT)
    if tracing.pipe_size is not None:
        shrink(pipe, files, (read_fd, write_fd), tracing.pipe_size)
    files.forget(read_fd)
    files.forget(write_fd)
    thread.progressed()
    tracing.record(
        PipeMade, thread.pid, pipe=pipe.number, read_fd=read_fd, write_fd=write_fd
    )
    return After.SWITCH


def _enter_dup2(tracing: Tracing, thread: Thread, call: Call) -> Then:
    """Note what the new name was open on: that is closed silently, dup(2)."""
    old, new = call.arguments[:2]
    opened = thread.owner.files.at(new)
    if opened and old != new and isinstance(opened.target, End):
        call.closing = [(new, opened.target)]
    return Then.WATCH


def _leave_dup(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    if result >= 0:
        for fd, end in call.closing:
            tracing.record(Closed, thread.pid, fd=fd, end=end, error=0)
        thread.owner.files.forget(result)
        thread.progressed()
        tracing.record(Duplicated, thread.pid, old_fd=call.arguments[0], new_fd=result)
        tracing.stir(Stir.DATA)  # dup2(2) closes what it replaces
    _tell_lack(tracing, thread, result)
    return After.SWITCH


def _tell_lack(tracing: Tracing, thread: Thread, result: int) -> None:
    if result == -errno.EMFILE:
        tracing.lacks_descriptor(thread)


def _leave_fcntl(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    command = call.arguments[1] & 0xFFFFFFFF
    if command in (fcntl.F_DUPFD, _F_DUPFD_CLOEXEC):
        return _leave_dup(tracing, thread, call, result)
    if command in (fcntl.F_SETLK, fcntl.F_SETLKW):
        thread.progressed()
        tracing.stir(Stir.LOCK)
        return After.SWITCH
    if command in (fcntl.F_SETPIPE_SZ, fcntl.F_SETFL):
        opened = thread.owner.files.at(call.arguments[0])
        if opened and isinstance(opened.target, End):
            pipe = tracing.objects.by_number[opened.target.pipe]
            if command == fcntl.F_SETFL:
                pipe.packets |= bool(call.arguments[2] & os.O_DIRECT)
            elif result > 0:
                pipe.capacity = result
    return After.GO_ON


def _leave_close(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    fd = call.arguments[0]
    # The table still says what it was: it is forgotten only here.
    opened = thread.owner.files.at(fd)
    thread.owner.files.forget(fd)
    end = opened.target if opened and isinstance(opened.target, End) else None
    thread.progressed()
    tracing.record(Closed, thread.pid, fd=fd, end=end, error=max(-result, 0))
    tracing.stir(Stir.DATA | Stir.LOCK, end.pipe if end else None)
    return After.SWITCH


def _enter_close(tracing: Tracing, thread: Thread, call: Call) -> Then:
    fd = call.arguments[0]
    opened = thread.owner.files.at(fd)  # while it can still be seen
    if opened is None or opened.may_block:
        return Then.WATCH
    # It is closed before anybody else runs, and there is no more to see of it.
    thread.told_ready = False
    thread.owner.files.forget(fd)
    tracing.stir(Stir.LOCK)  # flock(2) holds a lock as long as the file is open
    return Then.PASS


def _enter_close_range(tracing: Tracing, thread: Thread, call: Call) -> Then:
    first, last = call.arguments[:2]
    call.closing = [
        (fd, target)
        for fd, target in thread.owner.files.list().items()
        if first <= fd <= last and isinstance(target, End)
    ]
    return Then.WATCH


def _leave_close_range(
    tracing: Tracing, thread: Thread, call: Call, result: int
) -> After:
    if result < 0 or call.arguments[2] & _CLOSE_RANGE_CLOEXEC:
        return After.GO_ON
    for fd, end in call.closing:
        tracing.record(Closed, thread.pid, fd=fd, end=end, error=0)
    thread.owner.files.forget()
    thread.progressed()
    tracing.stir(Stir.DATA | Stir.LOCK)
    return After.SWITCH


def _enter_fcntl(tracing: Tracing, thread: Thread, call: Call) -> Then:
    command = call.arguments[1] & 0xFFFFFFFF
    if command in (fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL):
        return Then.PASS  # most frequent, and nobody's business
    if command in _LEASES:
        # Whoever opens the file would wait, as the tracer does, who stops its holder.
        return tracing.refuse(thread, call, "of a lease, for which others wait")
    if command in (_F_SETOWN, _F_SETOWN_EX):
        owner = struct.unpack("=i", struct.pack("=I", call.arguments[2] & 0xFFFFFFFF))
        if command == _F_SETOWN_EX or not (owner[0] == 0 or tracing.in_tree(owner[0])):
            # The kernel would send the owner signals, in nobody's name.
            return tracing.refuse(thread, call, "of SIGIO to others, F_SETOWN")
    return Then.WATCH


TABLE = {
    "pipe": Handler(watch, _leave_pipe),
    "pipe2": Handler(watch, _leave_pipe),
    "dup": Handler(watch, _leave_dup),
    "dup2": Handler(_enter_dup2, _leave_dup),
    "dup3": Handler(_enter_dup2, _leave_dup),
    "fcntl": Handler(_enter_fcntl, _leave_fcntl),
    "close": Handler(_enter_close, _leave_close),
    "close_range": Handler(_enter_close_range, _leave_close_range),
}
