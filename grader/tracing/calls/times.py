"""Clocks, sleeps and alarms, in virtual time: time(7)."""

from __future__ import annotations

import struct

from grader.tracing import syscalls
from grader.tracing.calls.handler import Handler, Then, Tracing
from grader.tracing.clock import from_timespec, from_timeval, timespec, timeval
from grader.tracing.recording import Waiting
from grader.tracing.tracee import Call, Stir, Thread, Traced

_TIMER_ABSTIME = 1
_ITIMER_REAL = 0
_EINVAL = -22
_NO_TIMEZONE = bytes(8)  # what the kernel was told at its start: nothing


def _looks(thread: Thread) -> int:
    thread.looks += 1
    thread.told_time += 1
    return thread.looks


def look(tracing: Tracing, thread: Thread, clock: int, address: int) -> bool:
    """Write down what a clock says, for clock_gettime(2); False where it is real."""
    clock &= 0xFFFFFFFF
    if not tracing.clock.knows(clock):
        return False  # that of the processor's time
    now = tracing.clock.read(clock, _looks(thread))
    thread.owner.write(address, timespec(now))
    return True


def _clock_gettime(tracing: Tracing, thread: Thread, call: Call) -> Then:
    if not look(tracing, thread, *call.arguments[:2]):
        return Then.PASS
    tracing.answer(thread, 0)
    return Then.ANSWERED


def _gettimeofday(tracing: Tracing, thread: Thread, call: Call) -> Then:
    now = tracing.clock.read(0, _looks(thread))
    if call.arguments[0]:
        thread.owner.write(call.arguments[0], timeval(now))
    if call.arguments[1]:
        thread.owner.write(call.arguments[1], _NO_TIMEZONE)
    tracing.answer(thread, 0)
    return Then.ANSWERED


def _time(tracing: Tracing, thread: Thread, call: Call) -> Then:
    now = tracing.clock.read(0, _looks(thread)) // 1_000_000_000
    if call.arguments[0]:
        thread.owner.write(call.arguments[0], struct.pack("=q", now))
    tracing.answer(thread, now)
    return Then.ANSWERED


def _sleep_deadline(tracing: Tracing, thread: Thread, call: Call) -> int | None:
    """The virtual time at which a sleep ends; None where its request is wrong."""
    if call.name == "nanosleep":
        lasts = from_timespec(thread.owner.read(call.arguments[0], 16))
        return None if lasts is None else tracing.clock.now + lasts
    clock, flags, request = call.arguments[:3]
    moment = from_timespec(thread.owner.read(request, 16))
    if moment is None or not tracing.clock.knows(clock):
        return None
    if flags & _TIMER_ABSTIME:
        return tracing.clock.until(clock, moment)
    return tracing.clock.now + moment


def _enter_sleep(tracing: Tracing, thread: Thread, call: Call) -> Then:
    if thread.hold is None:
        deadline = _sleep_deadline(tracing, thread, call)
        if deadline is None:
            return Then.PASS  # the kernel says what is wrong with it
        if deadline <= tracing.clock.now:
            thread.naps += 1
            tracing.answer(thread, 0)
            return Then.OVER
    else:
        deadline = thread.hold.deadline
        if deadline is not None and deadline <= tracing.clock.now:
            tracing.answer(thread, 0)
            return Then.OVER
    tracing.hold(
        thread,
        call,
        Waiting(call=call.name),
        Stir.NOTHING,
        restart=syscalls.RESTART_WITHOUT_HANDLER,
        deadline=deadline,
        expiry=0,
    )
    return Then.HELD


def remaining_address(call: Call) -> int:
    """Where an interrupted sleep reports what is left of it; 0: nowhere."""
    if call.name == "nanosleep":
        return call.arguments[1]
    if call.name == "clock_nanosleep" and not call.arguments[1] & _TIMER_ABSTIME:
        return call.arguments[3]
    return 0


def _set_alarm(tracing: Tracing, owner: Traced, first: int, interval: int) -> bytes:
    """Set ITIMER_REAL in virtual time; the old one as ``struct itimerval``."""
    old = _itimerval(tracing, owner)
    owner.alarm = tracing.clock.now + first if first else None
    owner.alarm_interval = interval
    return old


def _itimerval(tracing: Tracing, owner: Traced) -> bytes:
    left = 0 if owner.alarm is None else max(owner.alarm - tracing.clock.now, 1000)
    return timeval(owner.alarm_interval) + timeval(left)


def _alarm(tracing: Tracing, thread: Thread, call: Call) -> Then:
    seconds = call.arguments[0] & 0xFFFFFFFF
    old = _set_alarm(tracing, thread.owner, seconds * 1_000_000_000, 0)
    left = from_timeval(old[16:]) or 0
    tracing.answer(thread, -(-left // 1_000_000_000))
    return Then.ANSWERED


def _setitimer(tracing: Tracing, thread: Thread, call: Call) -> Then:
    if call.arguments[0] & 0xFFFFFFFF != _ITIMER_REAL:
        thread.owner.is_timed = True
        return Then.PASS
    data = thread.owner.read(call.arguments[1], 32)
    interval, first = from_timeval(data[:16]), from_timeval(data[16:])
    if interval is None or first is None:
        tracing.answer(thread, _EINVAL)
        return Then.ANSWERED
    old = _set_alarm(tracing, thread.owner, first, interval)
    if call.arguments[2]:
        thread.owner.write(call.arguments[2], old)
    tracing.answer(thread, 0)
    return Then.ANSWERED


def _getitimer(tracing: Tracing, thread: Thread, call: Call) -> Then:
    if call.arguments[0] & 0xFFFFFFFF != _ITIMER_REAL:
        return Then.PASS
    thread.owner.write(call.arguments[1], _itimerval(tracing, thread.owner))
    tracing.answer(thread, 0)
    return Then.ANSWERED


_sleep = Handler(_enter_sleep)

TABLE = {
    "clock_gettime": Handler(_clock_gettime),
    "gettimeofday": Handler(_gettimeofday),
    "time": Handler(_time),
    "nanosleep": _sleep,
    "clock_nanosleep": _sleep,
    "alarm": Handler(_alarm),
    "setitimer": Handler(_setitimer),
    "getitimer": Handler(_getitimer),
}
