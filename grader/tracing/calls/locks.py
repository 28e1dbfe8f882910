"""Locks: futex(2), flock(2), sched_yield(2).

A futex is waited for in the tracer, so a thread that waits is never asleep in the
kernel; who wakes it is seen at the waker's call. Waking one too many is allowed:
futex(2) has spurious wake-ups, and every user of it looks again.
"""

from __future__ import annotations

import fcntl
import struct

from grader.tracing import syscalls
from grader.tracing.calls.handler import After, Handler, Then, Tracing
from grader.tracing.calls.transfers import interrupted
from grader.tracing.clock import from_timespec
from grader.tracing.recording import Waiting
from grader.tracing.tracee import Call, Stir, Thread

_WAIT = 0
_WAKE = 1
_REQUEUE = 3
_CMP_REQUEUE = 4
_WAKE_OP = 5
_WAIT_BITSET = 9
_WAKE_BITSET = 10
_PRIVATE = 128
_CLOCK_REALTIME = 256
_ETIMEDOUT = -110

# After so many calls without effect `loops` has compared what it compares: its last
# mark is set at 1024. Nothing is compared any more where a call is answered at once, so
# this is to be later by the longest round that is to be seen. It only saves stops, and
# has nothing to do with how long `turns` waits until a thread may be at rest.
_QUICK_AFTER = 2000


def _enter_futex(tracing: Tracing, thread: Thread, call: Call) -> Then:
    operation = call.arguments[1] & 0x7F
    if operation in (_WAIT, _WAIT_BITSET):
        word = thread.owner.read(call.arguments[0], 4)
        expected = call.arguments[2] & 0xFFFFFFFF
        if len(word) < 4 or struct.unpack("=I", word)[0] != expected:
            return Then.PASS  # EAGAIN at once
        _wait(tracing, thread, call)
        return Then.HELD
    if operation in (_WAKE, _WAKE_BITSET, _WAKE_OP, _REQUEUE, _CMP_REQUEUE):
        return Then.WATCH if _waiters(tracing, thread, call) else Then.PASS
    return Then.WATCH


def _waiters(tracing: Tracing, waker: Thread, call: Call) -> list[Thread]:
    """The held threads that this wake-up is for, longest waiting first."""
    private = call.arguments[1] & _PRIVATE
    found = []
    for thread in tracing.threads():
        hold = thread.hold
        if hold is None or hold.call.name != "futex" or thread is waker:
            continue
        address, operation = hold.call.arguments[:2]
        if private:
            same = thread.owner is waker.owner and address == call.arguments[0]
        else:
            # Shared memory lies at another address in each process.
            same = not operation & _PRIVATE
        if same:
            found.append(thread)
    return sorted(found, key=lambda thread: thread.hold.began if thread.hold else 0)


def _leave_futex(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    operation = call.arguments[1] & 0x7F
    if interrupted(result):
        return After.GO_ON
    if operation in (_WAKE, _WAKE_BITSET):
        woken = _waiters(tracing, thread, call)
        if call.arguments[1] & _PRIVATE:
            woken = woken[: call.arguments[2]]
    else:
        woken = _waiters(tracing, thread, call)
    for waiter in woken:
        if waiter.hold:
            waiter.hold.woken = True
            waiter.stirred = True
    if woken and result >= 0:
        tracing.set_result(thread, min(result + len(woken), call.arguments[2]))
        # One that spins would have taken the lock again before another process comes.
        alone = len(thread.owner.threads) == 1
        gives_way = alone and (thread.spun or thread.gives_way)
        thread.progressed()
        thread.gives_way = gives_way
        return After.SWITCH
    return After.GO_ON


def _wait(tracing: Tracing, thread: Thread, call: Call) -> None:
    if thread.hold is not None:
        deadline = thread.hold.deadline
    elif call.arguments[3]:
        moment = from_timespec(thread.owner.read(call.arguments[3], 16))
        if moment is None:
            deadline = None
        elif call.arguments[1] & 0x7F == _WAIT:
            deadline = tracing.clock.now + moment
        else:
            clock = 0 if call.arguments[1] & _CLOCK_REALTIME else 1
            deadline = tracing.clock.until(clock, moment)
    else:
        deadline = None
    tracing.hold(
        thread,
        call,
        Waiting(call="futex"),
        Stir.LOCK,
        restart=syscalls.RESTART_IF_ASKED,
        deadline=deadline,
        expiry=_ETIMEDOUT,
    )


def _enter_flock(tracing: Tracing, thread: Thread, call: Call) -> Then:
    operation = call.arguments[1]
    if not operation & fcntl.LOCK_NB:
        tracing.change(thread, call, {1: operation | fcntl.LOCK_NB})
        call.probing = True
    return Then.WATCH


def _leave_flock(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    if call.probing and result == -11:  # EWOULDBLOCK
        fd = call.arguments[0]
        opened = thread.owner.files.at(fd)
        return tracing.hold(
            thread,
            call,
            Waiting("flock", (fd,), (opened.target if opened else "closed",)),
            Stir.LOCK | Stir.DATA,
            restart=syscalls.RESTART_IF_ASKED,
        )
    thread.progressed()
    tracing.stir(Stir.LOCK)
    return After.SWITCH


def _enter_yield(tracing: Tracing, thread: Thread, call: Call) -> Then:
    # One stop is enough where it is told nothing, and others run now anyway.
    if thread.fruitless < _QUICK_AFTER or tracing.has_signal(thread):
        return Then.WATCH
    thread.fruitless += 1
    thread.looks = thread.next_turn = 0
    tracing.answer(thread, 0)
    return Then.OVER


def _leave_yield(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    thread.fruitless += 1
    return After.SWITCH


TABLE = {
    "futex": Handler(_enter_futex, _leave_futex),
    "flock": Handler(_enter_flock, _leave_flock),
    "sched_yield": Handler(_enter_yield, _leave_yield),
}
