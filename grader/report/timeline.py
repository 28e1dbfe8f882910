"""A recording as a story: one line for each thing that matters, in order."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from grader.diagnosis.asking import asks_for_stranger, stranger
from grader.diagnosis.deadlock import graph
from grader.diagnosis.finding import name, spoken
from grader.tracing.recording import (
    Closed,
    Continued,
    Duplicated,
    Ended,
    Ending,
    Event,
    Executed,
    FileNamed,
    Forked,
    GroupJoined,
    HandlerSet,
    Orphaned,
    PipeMade,
    Read,
    Recording,
    Refused,
    Rest,
    SignalDelivered,
    SignalSent,
    Slept,
    Started,
    Stopped,
    Stream,
    Target,
    ThreadStarted,
    WaitBegan,
    Waited,
    Waiting,
    Wrote,
    signal_name,
)

# So many questions in a row, whether a child has ended, are worth a line.
_MANY_QUESTIONS = 10


def timeline(run: Recording, limit: int = 40) -> tuple[str, ...]:
    """The story of a run in at most `limit` lines; the middle is left out first."""
    told = [*_told(run)]
    ending = _ending(run)
    count = len(told) + len(ending)
    if count <= limit:
        return (*(_line(run, *one) for one in told), *ending)
    head = limit // 2
    tail = limit - head - 1
    # Of a long run hardly any line is shown, so no other is made.
    first = [_line(run, *one) for one in told[:head]]
    last = [_line(run, *one) for one in told[-tail:]]
    more = f"{'':12}... {count - head - tail} more lines"
    return (*[*first, *ending][:head], more, *[*last, *ending][-tail:])


def _line(run: Recording, event: Event, said: str) -> str:
    return f"{event.time:8.3f} s  {_who(run, event.pid):<14} {_at(event)}{said}"


def _told(run: Recording) -> Iterator[tuple[Event, str]]:
    """The events that are told, each with its words."""
    asked: dict[int, list[Event]] = {}
    for event in run.events:
        questions = asked.setdefault(event.pid, [])
        if isinstance(event, Waited) and not (event.child or event.left):
            questions.append(event)
        elif said := _say(run, event):
            if len(questions) >= _MANY_QUESTIONS:
                times = len(questions)
                yield questions[0], f"asks {times} times who has ended"
            questions.clear()
            yield event, said


def full(run: Recording) -> tuple[str, ...]:
    """Every event of a run, a line each."""
    return tuple(
        f"{event.time:8.3f} s  {_who(run, event.pid):<14} "
        f"{_at(event)}{_say(run, event) or _aside(run, event)}"
        for event in run.events
    )


def _at(event: Event) -> str:
    return f"line {event.line}: " if event.line is not None else ""


def _who(run: Recording, pid: int) -> str:
    return name(run, pid).removeprefix("the ") if pid else "from outside"


def _aside(run: Recording, event: Event) -> str:
    """What only a reader of every event wants to know."""
    match event:
        case Started():
            return "starts"
        case ThreadStarted():
            return f"starts the thread {event.tid}"
        case Waited() if asks_for_stranger(run, event):
            return f"asks for {stranger(event)}: {_error(event.error)}"
        case Waited():
            why = _error(event.error) if event.error else "none has ended yet"
            return f"asks for a child that has ended: {why}"
        case Duplicated():
            return f"makes descriptor {event.new_fd} a copy of {event.old_fd}"
        case Closed():
            return f"closes descriptor {event.fd}" + _failed(event.error)
        case Read():
            return f"reads {event.count} bytes ({event.fd})" + _failed(event.error)
        case Wrote():
            return f"writes {event.count} bytes ({event.fd})" + _failed(event.error)
        case HandlerSet():
            does = {"default": "leaves {} its default action", "ignore": "ignores {}"}
            text = does.get(event.disposition, "handles {}")
            return text.format(signal_name(event.signal))
        case SignalDelivered():
            acts = "which is ignored" if event.action == "ignore" else "which ends it"
            return f"gets {signal_name(event.signal)}, {acts}"
        case FileNamed():
            return f"{event.call} {event.path}" + _failed(event.error)
        case GroupJoined():
            return f"puts {event.member} into the process group {event.group}"
    return type(event).__name__


def _failed(error: int) -> str:
    return f": {_error(error)}" if error else ""


def _error(number: int) -> str:
    return f"{errno.errorcode.get(number, number)}, {os.strerror(number)}"


def _say(run: Recording, event: Event) -> str:
    match event:
        # The most frequent first.
        case Read() if not event.error and type(event.source) is not str:
            what = _quoted(event.data) if event.count else "end of file"
            return f"reads {what} from {_target(event.source)}"
        case Wrote(target=Stream()) if not event.error:
            complains = event.target is Stream.ERROR or event.fd == 2
            how = "prints as an error" if complains else "prints"
            return f"{how} {_quoted(event.data)}"
        case Wrote() if not event.error and type(event.target) is not str:
            return f"writes {_quoted(event.data)} to {_target(event.target)}"
        case Forked():
            return f"forks {event.child}"
        case Executed():
            return f"becomes {' '.join(event.argv)[:40]}"
        case Ending() if run.others_saw(event):
            return "closes all it has open, and has not ended yet"
        case Ended():
            if event.signal:
                return f"is killed by {signal_name(event.signal)}"
            return f"ends with exit code {event.exit_code}"
        case Orphaned():
            return f"is an orphan: {event.parent} ended first"
        case Waited() if event.child:
            return f"collects {event.child}"
        case Waited() if event.left:
            return f"looks at {event.left}, which has ended, and leaves it a zombie"
        case WaitBegan():
            return f"waits {waits(event.waiting)}"
        case PipeMade():
            return f"makes a pipe ({event.read_fd} to read, {event.write_fd} to write)"
        case Closed() if event.end:
            return f"closes the {event.end.side} end ({event.fd})"
        case HandlerSet() if event.is_of_library:
            return ""
        case HandlerSet():
            return handling(event)
        case SignalSent():
            if event.merged:
                return f"{signal_name(event.signal)} merges: one is pending already"
            blocks = ", which blocks it" if event.blocked else ""
            return f"{signal_name(event.signal)} goes to {event.target}{blocks}"
        case SignalDelivered() if event.action == "handler":
            if waits_for_call(run, event):
                return f"gets {signal_name(event.signal)}; its handler waits"
            return f"runs its handler for {signal_name(event.signal)}"
        case Stopped():
            return f"is stopped by {signal_name(event.signal)}"
        case Continued():
            return "goes on"
        case Slept():
            return f"has slept {round(event.seconds, 3):g} s"
        case Refused():
            return f"is refused {event.call}"
    return ""


# Calls that a signal always ends, whatever its handler's setting: signal(7).
_NEVER_RESTARTED = frozenset(
    ("pause", "time.sleep", "select", "poll", "epoll", "sigwait", "sigsuspend")
)


def waits_for_call(run: Recording, event: SignalDelivered) -> bool:
    """Whether a handler in Python has to wait: the call that it interrupts goes on.

    The C handler only notes the signal; the interpreter looks when the call is over.
    """
    if event.interrupted is None or spoken(event.interrupted) in _NEVER_RESTARTED:
        return False
    process = run.process(event.pid)
    made = [
        setting
        for setting in (process.of(HandlerSet) if process else ())
        if setting.signal == event.signal and setting.index < event.index
    ]
    return bool(made) and made[-1].restarts


def handling(event: HandlerSet) -> str:
    """What a process does with a signal now; empty where its interpreter ends."""
    signal = signal_name(event.signal)
    if event.disposition == "default":
        return f"handles {signal} no more" if event.line is not None else ""
    does = "handles" if event.disposition == "handler" else "ignores"
    after = ", after the call that it comes in" if event.restarts else ""
    return f"{does} {signal} from now on{after}"


def how_long(rest: Rest) -> str:
    """How long those wait who wait at the end of a run."""
    return "still waits" if rest.may_change else "waits for ever"


def waits(waiting: Waiting) -> str:
    """What a process waits for."""
    if waiting.call in ("wait4", "waitid"):
        any_child = waiting.target is None or waiting.target <= 0
        return "for a child" if any_child else f"for {waiting.target}"
    call = spoken(waiting.call)
    if call == "time.sleep":
        return f"in {call} until {waiting.deadline or 0:.3f} s"
    if call in ("pause", "sigwait", "sigsuspend"):
        return "for a signal"
    if call == "futex":
        return "for a lock or a thread"
    if call in ("flock", "fcntl"):
        return "for a lock on a file"
    if waiting.ends:
        return f"in {call} of {_target(waiting.ends[0])}"
    return f"in {call}"


def _target(target: Target) -> str:
    if isinstance(target, Stream):
        return f"the {target.value}" if target is Stream.TERMINAL else target.value
    return target if isinstance(target, str) else "the pipe"


def _quoted(data: bytes) -> str:
    text = data.decode(errors="backslashreplace")
    shown = text if len(text) <= 48 else text[:32] + "..." + text[-12:]
    return '"' + shown.encode("unicode_escape").decode() + '"'


def _ending(run: Recording) -> list[str]:
    lines = []
    if run.exceeded:
        lines.append(f"{'':12}the run was ended: limit of {run.exceeded.value}")
    lines_of = {wait.pid: wait.line for wait in graph(run)}
    for process in run.stuck.processes if run.stuck else ():
        assert run.stuck is not None
        who = _who(run, process.pid)
        if process.state == "zombie":
            lines.append(f"{'at the end':>10}  {who:<14} is a zombie")
        elif process.state == "waiting" and process.waiting:
            line = lines_of[process.pid]
            at = f"line {line}: " if line is not None else ""
            lines.append(
                f"{'at the end':>10}  {who:<14} {at}{how_long(run.stuck)} "
                f"{waits(process.waiting)}"
            )
        else:
            lines.append(f"{'at the end':>10}  {who:<14} is {process.state}")
    if not run.stuck:
        lines += [
            f"{'at the end':>10}  {_who(run, p.pid):<14} was never collected"
            for p in run.processes
            if p.parent and p.ended and not p.collected and not p.orphaned
        ]
    return lines
