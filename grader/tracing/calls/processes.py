"""Collecting children, becoming other programs, joining groups: wait(2), execve(2)."""

from __future__ import annotations

import errno
import os
import resource
import struct
import sys

from grader.tracing import syscalls
from grader.tracing.calls.handler import After, Handler, Then, Tracing, watch
from grader.tracing.calls.reach import is_our_group
from grader.tracing.calls.transfers import interrupted
from grader.tracing.recording import GroupJoined, Process, Waiting
from grader.tracing.tracee import MANY_CALLS, Call, Stir, Thread

_WNOWAIT = 0x01000000
_P_ALL, _P_PID = 0, 1


def _enter_wait(tracing: Tracing, thread: Thread, call: Call) -> Then:
    index = 2 if call.name == "wait4" else 3
    options = call.arguments[index]
    if call.name == "wait4" and _finds_none(tracing, thread, call):
        if not options:
            _hold(tracing, thread, call)
            return Then.HELD
        if options == os.WNOHANG:
            tracing.answer(thread, 0)
            thread.looks = thread.next_turn = 0
            _found_none(tracing, thread, call)
            return Then.OVER
    if not options & os.WNOHANG:
        tracing.change(thread, call, {index: options | os.WNOHANG})
        call.probing = True
    return Then.WATCH


def _finds_none(tracing: Tracing, thread: Thread, call: Call) -> bool:
    """Whether all whom wait4(2) asks for are children that live, and there are some.

    False also where that is not known, or where it matters how the call comes back:
    to a signal, and to `loops`.
    """
    if tracing.has_signal(thread) or thread.fruitless >= MANY_CALLS - 1:
        return False
    if _has_orphans(thread.owner.record):
        return False  # it may have adopted one, PR_SET_CHILD_SUBREAPER
    target = _target(call)
    if target == -1:
        children = [c for c in thread.owner.record.forked if c.collected is None]
    else:
        children = [c for c in thread.owner.record.forked if c.pid == target]
    live = [tracing.process(child.pid) for child in children]
    return bool(live) and all(child and child.forked for child in live)


def _has_orphans(process: Process) -> bool:
    """Whether a child of it was orphaned, or one of theirs; asked at each wait."""
    makers = [process]
    while makers:
        for made in makers.pop().forked:
            if made.orphaned is not None:
                return True
            if made.forked:
                makers.append(made)
    return False


def _hold(tracing: Tracing, thread: Thread, call: Call) -> After:
    return tracing.hold(
        thread,
        call,
        Waiting(call=call.name, target=_target(call)),
        Stir.CHILD,
        restart=syscalls.RESTART_IF_ASKED,
    )


def _found_none(tracing: Tracing, thread: Thread, call: Call) -> None:
    thread.fruitless += 1
    tracing.record_wait(thread, target=_target(call), no_hang=True, child=None, error=0)


def _target(call: Call) -> int:
    first, second = call.arguments[:2]
    if call.name == "wait4":
        first &= 0xFFFFFFFF
        return first - (1 << 32) if first >> 31 else first
    kind = first & 0xFFFFFFFF
    return second & 0xFFFFFFFF if kind == _P_PID else -1


def _leave_wait(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    if interrupted(result):
        return After.GO_ON
    owner = thread.owner
    child, status = 0, 0
    if call.name == "wait4":
        child = max(result, 0)
        if child and call.arguments[1]:
            (status,) = struct.unpack("=i", owner.read(call.arguments[1], 4))
    elif result == 0 and call.arguments[2]:
        # siginfo_t: si_pid follows four words, si_code tells exits from stops.
        _, _, code, _, child = struct.unpack(
            "=iiiii", owner.read(call.arguments[2], 20)
        )
        status = 0x7F if child and code > 3 else 0
    if result == 0 and not child and call.probing:
        return _hold(tracing, thread, call)
    went = child and not (os.WIFSTOPPED(status) or os.WIFCONTINUED(status))
    keeps = call.name == "waitid" and call.arguments[3] & _WNOWAIT
    if result < 0 or not child:
        thread.fruitless += 1
    else:
        thread.progressed()
    tracing.record_wait(
        thread,
        target=_target(call),
        no_hang=not call.probing,
        child=child if went and not keeps else None,
        error=max(-result, 0),
        left=child if went and keeps else None,
    )
    return After.SWITCH


def _enter_setpgid(tracing: Tracing, thread: Thread, call: Call) -> Then:
    """In a group of others it would get, and send, signals that are not its own."""
    group = call.arguments[1] & 0xFFFFFFFF
    if group and not is_our_group(tracing, group):
        return tracing.refuse(
            thread, call, f"into the group {group}, which is not the program's"
        )
    return Then.WATCH


def _leave_setpgid(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    if result >= 0:
        member = call.arguments[0] & 0xFFFFFFFF if call.name == "setpgid" else 0
        member = member or thread.pid
        try:
            group = os.getpgid(member)
        except ProcessLookupError:
            return After.SWITCH
        tracing.record(GroupJoined, thread.pid, member=member, group=group)
    return After.SWITCH


def _enter_prlimit(tracing: Tracing, thread: Thread, call: Call) -> Then:
    target, new = call.arguments[0] & 0xFFFFFFFF, call.arguments[2]
    if new and target and not tracing.in_tree(target):
        return tracing.refuse(
            thread, call, f"of process {target}, which is not the program's"
        )
    if new and _raises(thread, target or thread.pid, call.arguments[1], new):
        tracing.answer(thread, -errno.EPERM)  # as to everybody but root
        return Then.ANSWERED
    if new and call.arguments[1] & 0xFFFFFFFF == resource.RLIMIT_CPU:
        limited = tracing.process(target) if target else thread.owner
        if limited is not None:
            limited.is_timed = True
    return Then.PASS


def _raises(thread: Thread, target: int, which: int, new: int) -> bool:
    """Whether a limit, ``struct rlimit64`` at `new`, is above what it may at most be.

    Limits are what a program has in place of what the tracer does not count.
    """
    limit = thread.owner.read(new, 16)
    try:
        _, most = resource.prlimit(target, which & 0xFFFFFFFF)
    except (OSError, OverflowError, ValueError):
        return False  # no such process, or limit: the call's error tells it
    wanted = int.from_bytes(limit[8:], sys.byteorder)
    return len(limit) == 16 and wanted > most != resource.RLIM_INFINITY


_waiting = Handler(_enter_wait, _leave_wait)

TABLE = {
    "wait4": _waiting,
    "waitid": _waiting,
    "prlimit64": Handler(_enter_prlimit),
    "setpgid": Handler(_enter_setpgid, _leave_setpgid),
    "setsid": Handler(watch, _leave_setpgid),
}
