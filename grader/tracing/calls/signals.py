"""Signals: choosing what they do, sending them, waiting for them: signal(7)."""

from __future__ import annotations

import os
import signal
import struct

from grader.tracing import syscalls
from grader.tracing.calls.handler import After, Handler, Then, Tracing
from grader.tracing.calls.reach import group_of, is_our_group
from grader.tracing.calls.transfers import interrupted
from grader.tracing.clock import from_timespec, timespec
from grader.tracing.recording import HandlerSet, SignalSent, Waiting, signal_name
from grader.tracing.tracee import Call, Stir, Thread, Traced

_SA_NOCLDSTOP = 1
_SA_NOCLDWAIT = 2
_SA_RESTART = 0x10000000


def pending(owner: Traced) -> int:
    """The signals pending for a process as a whole; bit n-1 stands for signal n."""
    return owner.signals().shared


def blocks(owner: Traced, number: int) -> bool:
    """Whether a process blocks a signal, in its only thread."""
    return len(owner.threads) == 1 and has_bit(owner.signals().blocked, number)


def has_bit(mask: int, number: int) -> bool:
    """Whether signal `number` is in a mask."""
    return bool(mask >> (number - 1) & 1)


# --- sigaction(2) -------------------------------------------------------------


def _leave_sigaction(
    tracing: Tracing, thread: Thread, call: Call, result: int
) -> After:
    number, action = call.arguments[:2]
    if result == 0 and action:
        # On x86-64: the handler, the flags, the restorer, the mask.
        handler, flags = struct.unpack("=QQ", thread.owner.read(action, 16))
        disposition = {0: "default", 1: "ignore"}.get(handler, "handler")
        if number == signal.SIGCHLD:
            thread.owner.ignores_stops = bool(flags & _SA_NOCLDSTOP)
            if flags & _SA_NOCLDWAIT:
                disposition = "ignore"
        thread.progressed()
        tracing.record(
            HandlerSet,
            thread.pid,
            signal=number,
            disposition=disposition,
            restarts=bool(flags & _SA_RESTART),
        )
    return After.SWITCH


# --- kill(2) and its relatives ------------------------------------------------


def _target(tracing: Tracing, thread: Thread, call: Call) -> tuple[int, int]:
    """Whom a call signals (kill(2)'s numbers), and with what."""
    first, second, third = (_signed(value) for value in call.arguments[:3])
    if call.name == "tgkill":
        return first, third
    if call.name == "rt_tgsigqueueinfo":
        return first, third
    if call.name == "tkill":
        owner = next((t.owner for t in tracing.threads() if t.tid == first), None)
        return (owner.pid if owner else first), second
    if call.name == "pidfd_send_signal":
        return _pid_of_pidfd(thread, first), second
    return first, second


def _signed(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _pid_of_pidfd(thread: Thread, fd: int) -> int:
    # 0: it is none. A folder of /proc would serve as one, and does not say of whom.
    # -1: its process is gone.
    return int(thread.owner.files.info(fd).get("Pid", "0"))


def _addressed(tracing: Tracing, thread: Thread, target: int) -> list[Traced]:
    if target > 0:
        owner = tracing.process(target)
        return [owner] if owner else []
    group = group_of(thread.pid) if target == 0 else -target
    return [owner for owner in tracing.live() if group_of(owner.pid) == group]


def _enter_kill(tracing: Tracing, thread: Thread, call: Call) -> Then:
    target, number = _target(tracing, thread, call)
    if call.name == "pidfd_send_signal":
        if target == -1:
            return Then.WATCH
        if target == 0:
            return tracing.refuse(thread, call, "with a descriptor that is no pidfd")
    if target == -1:
        return tracing.refuse(thread, call, "to every process, kill(-1)")
    outside = target > 0 and not tracing.in_tree(target)
    if outside and os.path.exists(f"/proc/{target}"):
        return tracing.refuse(
            thread,
            call,
            f"{signal_name(number)} to process {target}, which is not the program's",
        )
    group = group_of(thread.pid) if target == 0 else -target
    if target <= 0 and not is_our_group(tracing, group):
        return tracing.refuse(
            thread, call, f"to the process group {group}, which is not the program's"
        )
    call.addressed = [
        (owner.pid, has_bit(pending(owner), number), blocks(owner, number))
        for owner in _addressed(tracing, thread, target)
        if number > 0
    ]
    return Then.WATCH


def _leave_kill(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    if result < 0:
        thread.fruitless += 1
        return After.SWITCH
    _, number = _target(tracing, thread, call)
    if number == 0:  # it only asked whether somebody is there, and may go on then
        thread.fruitless += 1
        thread.asked += 1
        return After.SWITCH
    thread.progressed()
    for pid, merged, blocked in call.addressed:
        tracing.record(
            SignalSent,
            thread.pid,
            signal=number,
            target=pid,
            merged=merged,
            blocked=blocked,
        )
    tracing.stir(Stir.SIGNAL)
    if number in (signal.SIGKILL, signal.SIGCONT):
        tracing.collect_woken([pid for pid, *_ in call.addressed])
    return After.SWITCH


# --- waiting for a signal -----------------------------------------------------


def _enter_pause(tracing: Tracing, thread: Thread, call: Call) -> Then:
    tracing.hold(
        thread,
        call,
        Waiting(call="pause"),
        Stir.NOTHING,
        restart=syscalls.RESTART_WITHOUT_HANDLER,
    )
    return Then.HELD


def _enter_sigtimedwait(tracing: Tracing, thread: Thread, call: Call) -> Then:
    if _timeout(thread, call) == 0:
        return Then.WATCH
    tracing.borrow(thread, call, call.stack, timespec(0))
    tracing.change(thread, call, {2: call.stack})
    call.probing = True
    return Then.WATCH


def _timeout(thread: Thread, call: Call) -> int | None:
    if not call.arguments[2]:
        return None
    return from_timespec(thread.owner.read(call.arguments[2], 16))


def _leave_sigtimedwait(
    tracing: Tracing, thread: Thread, call: Call, result: int
) -> After:
    if interrupted(result):
        return After.GO_ON
    expired = thread.hold is not None and thread.hold.expired
    if call.probing and result == -11 and not expired:  # EAGAIN: none has come
        if thread.hold is not None:
            deadline = thread.hold.deadline
        else:
            waits = _timeout(thread, call)
            deadline = None if waits is None else tracing.clock.now + waits
        return tracing.hold(
            thread,
            call,
            Waiting(call="rt_sigtimedwait"),
            Stir.SIGNAL,
            restart=syscalls.RESTART_WITHOUT_HANDLER,
            deadline=deadline,
        )
    if result > 0:
        thread.progressed()
    else:
        thread.fruitless += 1
    return After.SWITCH


_sending = Handler(_enter_kill, _leave_kill)

TABLE = {
    "rt_sigaction": Handler(lambda tracing, thread, call: Then.WATCH, _leave_sigaction),
    "pause": Handler(_enter_pause),
    "rt_sigtimedwait": Handler(_enter_sigtimedwait, _leave_sigtimedwait),
    "kill": _sending,
    "tkill": _sending,
    "tgkill": _sending,
    "rt_sigqueueinfo": _sending,
    "rt_tgsigqueueinfo": _sending,
    "pidfd_send_signal": _sending,
}
