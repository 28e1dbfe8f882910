"""Reading and writing: read(2), write(2), recv(2), send(2), accept(2), connect(2)."""

from __future__ import annotations

import errno
import os
import select
import struct
from collections.abc import Iterator

from grader.tracing import syscalls
from grader.tracing.calls.ballast import unload
from grader.tracing.calls.handler import After, Handler, Then, Tracing, watch
from grader.tracing.calls.reach import address_refused, message_refused
from grader.tracing.descriptors import Opened, Pipe
from grader.tracing.recording import End, Read, Side, Waiting, Wrote
from grader.tracing.tracee import Call, Stir, Thread

_MSG_DONTWAIT = 0x40
_IOV_MAX = 1024
_MESSAGES = ("recvmsg", "sendmsg")
_VECTORED = ("readv", "writev", "preadv2", "pwritev2")


def pipe_of(opened: Opened | None) -> int | None:
    """The number of the pipe that a descriptor is open on, if it is one."""
    if opened and isinstance(opened.target, End):
        return opened.target.pipe
    return None


def _unless_it_blocks(
    tracing: Tracing, thread: Thread, call: Call, opened: Opened, side: Side
) -> Then:
    """Let a call be made, or the thread wait before it where it would block."""
    ready = _is_ready(tracing, thread, call, opened, side)
    never_waits = not ready and thread.owner.files.is_nonblocking(call.arguments[0])
    if never_waits and not tracing.has_signal(thread):
        return Then.WATCH
    if ready is None:
        events = select.POLLIN if side is Side.READ else select.POLLOUT
        return probe(tracing, thread, call, events)
    if ready:
        return Then.WATCH
    _hold(tracing, thread, call, opened)
    return Then.HELD


def _is_ready(
    tracing: Tracing, thread: Thread, call: Call, opened: Opened, side: Side
) -> bool | None:
    """Whether one end of a pipe can be used now; None where only its user can ask.

    Nobody else runs meanwhile, and what is true of one opening of a pipe's end is so
    of all: poll(2), pipe(7). To look costs a tenth of the stops that asking does.
    """
    if not isinstance(opened.target, End) or opened.target.side is not side:
        return None
    if tracing.has_signal(thread):
        return None
    reads = side is Side.READ
    access = os.O_RDONLY if reads else os.O_WRONLY
    try:
        end = thread.owner.files.open(call.arguments[0], access)
    except OSError:
        return None
    try:
        poll = select.poll()
        poll.register(end, select.POLLIN if reads else select.POLLOUT)
        return bool(poll.poll(0))
    finally:
        os.close(end)


def probe(tracing: Tracing, thread: Thread, call: Call, events: int) -> Then:
    """Ask, in the thread's own name, whether its call would block: poll(2)."""
    request = struct.pack("=ihh", call.arguments[0], events, 0)
    tracing.borrow(thread, call, call.stack, request)
    tracing.replace(thread, call, syscalls.POLL, {0: call.stack, 1: 1, 2: 0})
    return Then.WATCH


def would_block(
    tracing: Tracing, thread: Thread, call: Call, result: int, opened: Opened | None
) -> After:
    """The answer to a probe: make the call, or hold the thread before it."""
    if interrupted(result):
        # A signal came before the answer: the call itself is interrupted.
        tracing.interrupt(thread, call, syscalls.RESTART_IF_ASKED)
        return After.GO_ON
    if result != 0 or thread.owner.files.is_nonblocking(call.arguments[0]):
        thread.cleared = True
        tracing.reissue(thread, call)
        return After.GO_ON
    return _hold(tracing, thread, call, opened)


def _hold(tracing: Tracing, thread: Thread, call: Call, opened: Opened | None) -> After:
    fd = call.arguments[0]
    target = opened.target if opened else f"descriptor {fd}"
    return tracing.hold(
        thread,
        call,
        Waiting(call=call.name, fds=(fd,), ends=(target,)),
        Stir.DATA,
        restart=syscalls.RESTART_IF_ASKED,
        pipe=pipe_of(opened),
    )


def vector(thread: Thread, call: Call, wanted: int) -> bytes:
    """The first `wanted` bytes of the buffers that a call names, readv(2)."""
    data = b""
    for base, length in _parts(thread, call):
        data += thread.owner.read(base, min(length, wanted - len(data)))
        if len(data) >= wanted:
            break
    return data


def _parts(thread: Thread, call: Call) -> Iterator[tuple[int, int]]:
    """The addresses and sizes in a call's array of ``struct iovec``."""
    size = min(call.arguments[2], _IOV_MAX) * 16
    data = thread.owner.read(call.arguments[1], size)
    return struct.iter_unpack("=QQ", data[: len(data) // 16 * 16])


def _buffer(tracing: Tracing, thread: Thread, call: Call, count: int) -> bytes:
    """What a call has transferred, from its buffers in the tracee's memory."""
    # What is printed is judged, so it is kept whole: its limit is that of output.
    wanted = count if call.prints else min(count, tracing.keeps)
    if wanted <= 0 or call.name in _MESSAGES:
        return b""
    if call.name in _VECTORED:
        return vector(thread, call, wanted)
    return thread.owner.read(call.arguments[1], wanted)


def asked(thread: Thread, call: Call) -> int:
    """For how many bytes a call has room, or how many it is to write."""
    if call.name in _MESSAGES:
        return 0  # that is not looked at
    if call.name not in _VECTORED:
        return call.arguments[2]
    return sum(length for _, length in _parts(thread, call))


def _enter_read(tracing: Tracing, thread: Thread, call: Call) -> Then:
    opened = thread.owner.files.at(call.arguments[0])
    if opened is None:
        return Then.WATCH  # EBADF, which is worth recording
    if not opened.may_block:
        thread.told_ready = False
        return Then.PASS
    pipe = tracing.objects.by_number.get(pipe_of(opened) or 0)
    if pipe and pipe.ballast and opened.target == End(pipe.number, Side.READ):
        unload(tracing, thread.owner.files, call.arguments[0], pipe)
    held = pipe is not None and pipe.sure and pipe.held > 0
    if pipe and held and _take(tracing, thread, call, opened, pipe):
        return Then.OVER
    if thread.cleared or held or _never_waits(call):
        thread.cleared = False
        return Then.WATCH
    return _unless_it_blocks(tracing, thread, call, opened, Side.READ)


def _take(
    tracing: Tracing, thread: Thread, call: Call, opened: Opened, pipe: Pipe
) -> bool:
    """Read what lies in a pipe in the thread's stead; whether that may be done.

    What would come of the call is known, and not to make it spares a stop.
    """
    if opened.target != End(pipe.number, Side.READ):
        return False  # EBADF
    if not _is_known(tracing, thread, call, pipe):
        return False
    address, count = call.arguments[1], min(call.arguments[2], pipe.held)
    there = thread.owner.read(address, count)
    # Before anything is taken out of the pipe: what cannot be written stays in it.
    if not count or len(there) < count or not thread.owner.write(address, there):
        return False  # EFAULT, perhaps
    try:
        end = thread.owner.files.open(call.arguments[0], os.O_RDONLY)
    except OSError:
        return False
    try:
        data = os.read(end, count)
    except OSError:
        return False
    finally:
        os.close(end)
    thread.owner.write(address, data)
    tracing.answer(thread, len(data))
    _record_read(tracing, thread, call, opened, len(data), data[: tracing.keeps])
    return True


def _is_known(tracing: Tracing, thread: Thread, call: Call, pipe: Pipe) -> bool:
    """Whether nothing but what lies in a pipe decides what comes of a call."""
    plain = call.name in ("read", "write") and not pipe.packets and not thread.cleared
    return plain and not tracing.has_signal(thread)


def _never_waits(call: Call) -> bool:
    if call.name in ("read", "write") and not call.arguments[2]:
        return True  # nothing is to be moved
    flags = {"recvfrom": 3, "sendto": 3, "recvmsg": 2, "sendmsg": 2}.get(call.name)
    return flags is not None and bool(call.arguments[flags] & _MSG_DONTWAIT)


def _leave_read(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    opened = thread.owner.files.at(call.arguments[0])
    if call.probing:
        return would_block(tracing, thread, call, result, opened)
    if interrupted(result):
        return After.GO_ON
    data = _buffer(tracing, thread, call, result)
    _record_read(tracing, thread, call, opened, result, data)
    return After.SWITCH


def _record_read(
    tracing: Tracing,
    thread: Thread,
    call: Call,
    opened: Opened | None,
    result: int,
    data: bytes,
) -> None:
    number = pipe_of(opened)
    if result > 0:
        pipe = tracing.objects.by_number.get(number or 0)
        if pipe:
            pipe.held = max(0, pipe.held - result)
        thread.progressed()
        tracing.stir(Stir.DATA, number)
    else:
        thread.fruitless += 1
    tracing.record(
        Read,
        thread.pid,
        fd=call.arguments[0],
        source=opened.target if opened else "closed",
        data=data,
        count=max(result, 0),
        asked=asked(thread, call),
        error=max(-result, 0),
    )


def _enter_write(tracing: Tracing, thread: Thread, call: Call) -> Then:
    opened = thread.owner.files.at(call.arguments[0])
    call.prints = opened is not None and opened.standard
    if message_refused(tracing, thread, call):
        return Then.ANSWERED
    if opened and opened.prints and _print(tracing, thread, call, opened):
        return Then.ANSWERED
    if opened is None or opened.standard or thread.cleared or _never_waits(call):
        thread.cleared = False
        return Then.WATCH
    if not opened.may_block:
        thread.told_ready = False
        size = 0
        if opened.target != os.devnull:
            size = asked(thread, call)
            # What is in files, `loops` does not compare.
            thread.mark = thread.nap = None
        return Then.PASS if tracing.may_fill(thread, size) else Then.OVER
    pipe = tracing.objects.by_number.get(pipe_of(opened) or 0)
    # The kernel's pages are filled unevenly, so that half of them free is room, unless
    # there is only one; where less is free, it is asked.
    if pipe and pipe.sure and pipe.held + asked(thread, call) <= pipe.room // 2:
        if _put(tracing, thread, call, opened, pipe):
            return Then.OVER
        wrong_end = opened.target != End(pipe.number, Side.WRITE)
        if wrong_end or tracing.has_signal(thread):
            return Then.WATCH
    return _unless_it_blocks(tracing, thread, call, opened, Side.WRITE)


def _put(
    tracing: Tracing, thread: Thread, call: Call, opened: Opened, pipe: Pipe
) -> bool:
    """Write into a pipe that has room, in the thread's stead; see `_take`."""
    if opened.target != End(pipe.number, Side.WRITE):
        return False  # EBADF
    if not _is_known(tracing, thread, call, pipe):
        return False
    count = call.arguments[2]
    data = thread.owner.read(call.arguments[1], count)
    if not count or len(data) < count:
        return False
    try:
        end = thread.owner.files.open(call.arguments[0], os.O_WRONLY)
    except OSError:
        return False
    try:
        written = os.write(end, data)
    except OSError:
        return False  # EPIPE: nobody reads, and the writer is to get SIGPIPE
    finally:
        os.close(end)
    pipe.held += written
    tracing.answer(thread, written)
    _record_write(tracing, thread, call, opened, written, data[: tracing.keeps])
    return True


def _print(tracing: Tracing, thread: Thread, call: Call, opened: Opened) -> bool:
    """Take what is printed, without making the call; whether that may be done.

    A standard stream always has room, so what would come of the call is known, unless
    a signal interrupts it or, for a process in the background, stops it: write(2),
    tty_ioctl(4). To go through a terminal takes as long as ten other calls.
    """
    if call.name != "write" or tracing.has_signal(thread):
        return False
    if tracing.in_background(thread.pid):
        return False
    count = call.arguments[2]
    data = _buffer(tracing, thread, call, count)
    if not count or len(data) < count:
        return False
    tracing.answer(thread, count)
    _record_write(tracing, thread, call, opened, count, data)
    thread.after_write = True
    return True


def _record_write(
    tracing: Tracing,
    thread: Thread,
    call: Call,
    opened: Opened | None,
    result: int,
    data: bytes,
) -> None:
    if result != 0:
        thread.progressed()
        tracing.stir(Stir.DATA, pipe_of(opened))
    tracing.record(
        Wrote,
        thread.pid,
        fd=call.arguments[0],
        target=opened.target if opened else "closed",
        data=data,
        count=max(result, 0),
        error=max(-result, 0),
    )


def _leave_write(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    opened = thread.owner.files.at(call.arguments[0])
    if call.probing:
        return would_block(tracing, thread, call, result, opened)
    if interrupted(result):
        return After.GO_ON
    pipe = tracing.objects.by_number.get(pipe_of(opened) or 0)
    if result > 0 and pipe:
        pipe.held += result
    if result == 0:
        thread.fruitless += 1
        thread.after_write = False
    data = _buffer(tracing, thread, call, result)
    _record_write(tracing, thread, call, opened, result, data)
    if opened and opened.standard and result != 0:
        # Nothing may come between this write and what the program does next: a
        # handler that ran here would run inside the program's buffered writer.
        thread.after_write = True
        return After.GO_ON
    return After.SWITCH


def _asleep_in_write(tracing: Tracing, thread: Thread, call: Call) -> None:
    """A write that is larger than the room has filled what room there was."""
    number = pipe_of(thread.owner.files.at(call.arguments[0]))
    pipe = tracing.objects.by_number.get(number or 0)
    if pipe:
        pipe.sure = False
    tracing.stir(Stir.DATA, number)


def interrupted(result: int) -> bool:
    """Whether a signal is about to interrupt the call: it is not over yet."""
    return result in (-512, -513, -514, -516)


def _leave_other(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    if call.probing:
        opened = thread.owner.files.at(call.arguments[0])
        return would_block(tracing, thread, call, result, opened)
    if interrupted(result):
        return After.GO_ON
    if result == -errno.EMFILE:
        tracing.lacks_descriptor(thread)
    thread.progressed()
    tracing.stir(Stir.DATA)
    return After.SWITCH


def _enter_connect(tracing: Tracing, thread: Thread, call: Call) -> Then:
    _, pointer, length = call.arguments[:3]
    if address_refused(tracing, thread, call, pointer, length & 0xFFFFFFFF):
        return Then.ANSWERED
    return Then.WATCH


_reading = Handler(_enter_read, _leave_read)
_writing = Handler(_enter_write, _leave_write, _asleep_in_write)

TABLE = {
    "read": _reading,
    "readv": _reading,
    "preadv2": _reading,
    "recvfrom": _reading,
    "recvmsg": _reading,
    "write": _writing,
    "writev": _writing,
    "pwritev2": _writing,
    "sendto": _writing,
    "sendmsg": _writing,
    "accept": Handler(_enter_read, _leave_other),
    "accept4": Handler(_enter_read, _leave_other),
    "connect": Handler(_enter_connect, _leave_other),
    "shutdown": Handler(watch, _leave_other),
}
