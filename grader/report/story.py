"""How a run went wrong, in numbered steps: what concerns its findings, turn by turn.

A step is what one process did in one turn. The sentences come from the events alone,
and from the lines of the program that made them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from signal import SIGCHLD

from grader.diagnosis.asking import asks_for_stranger, stranger, why_nobody
from grader.diagnosis.deadlock import graph
from grader.diagnosis.processes import traceback_of
from grader.report.again import is_searched
from grader.report.text import one_line
from grader.report.timeline import handling, how_long, waits, waits_for_call
from grader.tracing.recording import (
    Closed,
    End,
    Ended,
    Ending,
    Event,
    FileNamed,
    Forked,
    HandlerSet,
    Orphaned,
    PipeMade,
    Process,
    Read,
    Recording,
    Side,
    SignalDelivered,
    SignalSent,
    Slept,
    Stream,
    WaitBegan,
    Waited,
    Waiting,
    Wrote,
    signal_name,
)
from grader.verdict import Finding

# More steps than these nobody follows; the middle is left out.
_MOST_STEPS = 10
_FIRST_STEPS = 5

_LONGEST_QUOTE = 48

# Diagnoses of how a process died.
_DEATHS = ("uncaught-exception", "killed-by-signal", "handler-reenters")


@dataclass(slots=True)
class _Concern:
    """What a run's findings are about: processes, ends of pipes, signals, files.

    `ends` are those whose closing matters.
    """

    pids: set[int] = field(default_factory=set)
    ends: set[End] = field(default_factory=set)
    signals: set[int] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    traffic: bool = False  # what went through any pipe, and not how long they slept
    output: bool = False  # what was printed
    questions: bool = False  # whether a child has ended


def steps(
    run: Recording, findings: Iterable[Finding], source: Sequence[str] = ()
) -> tuple[str, ...]:
    """The steps; none where the findings are not about an order of events.

    `source` is the program, line by line, for its words to be cited.
    """
    concern = _concern(run, [finding.id for finding in findings])
    if not concern.pids:
        return ()
    teller = _Teller(run, concern, source)
    told = list(teller.turns())
    told += teller.ending()
    if len(told) > _MOST_STEPS:
        last = _MOST_STEPS - _FIRST_STEPS - 1
        left = len(told) - _FIRST_STEPS - last
        told[_FIRST_STEPS:-last] = [f"and so on: {left} more such steps"]
    return tuple(f"{n}. {text}." for n, text in enumerate(told, 1))


def _concern(run: Recording, ids: list[str]) -> _Concern:
    concern = _Concern()
    for identity in ids:
        if identity in ("zombie-left", "signals-merged"):
            for process in run.processes:
                parent = process.parent
                if (
                    parent
                    and process.ended
                    and not (process.collected or process.orphaned)
                ):
                    concern.pids |= {parent.pid, *(c.pid for c in parent.children)}
            concern.signals.add(SIGCHLD)
        elif identity in ("handler-blocks", "handler-idle"):
            concern.pids |= {run.root.pid, *(c.pid for c in run.root.children)}
            concern.signals.add(SIGCHLD)
        elif identity == "orphan-left":
            for process in run.processes:
                if process.orphaned and process.parent:
                    concern.pids |= {process.pid, process.parent.pid}
            concern.questions = True
        elif identity == "deadlock":
            for wait in graph(run):
                concern.pids |= {wait.pid, *(edge.other for edge in wait.edges)}
                if wait.end is not None:
                    concern.ends |= set(_both(wait.end))
            concern.traffic = True
            concern.pids |= _moved_through(run, concern.ends)
        elif identity in _DEATHS:
            for process in run.processes:
                if _dies(process):
                    concern.pids |= {process.pid, *_relatives(process)}
                    concern.signals |= {e.signal for e in process.of(SignalDelivered)}
                    concern.paths |= _shared_paths(run)
    if not concern.pids and is_searched(run.schedule):
        # Whatever it is, another order of events would not have shown it.
        concern.pids |= {process.pid for process in run.processes}
        concern.signals.add(SIGCHLD)
        concern.paths |= _shared_paths(run)
        concern.traffic = concern.output = True
    if any(e.pid in concern.pids and run.others_saw(e) for e in run.of(Ending)):
        concern.traffic = concern.questions = True
    concern.signals |= {
        event.signal
        for event in run.of(SignalSent)
        if event.pid in concern.pids and event.signal != SIGCHLD
    }
    return concern


def _moved_through(run: Recording, ends: set[End]) -> set[int]:
    """Who read from these pipes, or wrote into them."""
    reads = {event.pid for event in run.of(Read) if event.source in ends}
    return reads | {event.pid for event in run.of(Wrote) if event.target in ends}


def _both(end: End) -> Iterator[End]:
    for side in type(end.side):
        yield End(end.pipe, side)


def _dies(process: Process) -> bool:
    if process.ended is None:
        return False
    return bool(process.killed_by) or (
        process.exit_code == 1 and traceback_of(process) is not None
    )


def _relatives(process: Process) -> set[int]:
    parent = [process.parent.pid] if process.parent else []
    return {child.pid for child in process.children} | set(parent)


def _shared_paths(run: Recording) -> set[str]:
    """The files that one process names after another has changed what is there."""
    who: dict[str, set[int]] = {}
    for event in run.of(FileNamed):
        if event.line is not None:
            who.setdefault(event.path, set()).add(event.pid)
    changed = {event.path for event in run.of(FileNamed) if event.changes}
    return {path for path, pids in who.items() if len(pids) > 1 and path in changed}


class _Teller:
    """Makes sentences of the events that concern the findings."""

    def __init__(
        self, run: Recording, concern: _Concern, source: Sequence[str]
    ) -> None:
        self._run = run
        self._concern = concern
        self._source = source
        pipes = {end.pipe for end in concern.ends}
        pipes |= {wait.end.pipe for wait in graph(run) if wait.end is not None}
        if concern.traffic:
            moved = {e.source for e in run.of(Read)} | {e.target for e in run.of(Wrote)}
            pipes |= {end.pipe for end in moved if isinstance(end, End)}
        self._pipes = {pipe: n for n, pipe in enumerate(sorted(pipes), 1)}
        # Signals that were sent and have not acted yet, by who is to get them.
        self._pending: dict[int, set[int]] = {}
        # By process and signal, whether it has a handler now; and the SIGCHLDs that
        # came to nobody's handler, by their index.
        self._handling: dict[tuple[int, int], bool] = {}
        self._unheard: set[int] = set()
        self._quoted: set[int] = set()
        # The waits that last for ever: told at the end.
        self._last_waits = {
            process.pid: own[-1]
            for process in run.processes
            if (own := [e for e in process.events if not _only_ignored(e)])
            and isinstance(own[-1], WaitBegan)
        }

    def turns(self) -> Iterator[str]:
        """One text for each turn of a process in which something that matters was."""
        turn: list[Event] = []
        for event in self._run.events:
            if isinstance(event, HandlerSet):
                handles = event.disposition == "handler"
                self._handling[event.pid, event.signal] = handles
            if isinstance(event, Forked):
                inherited = self._handling.get((event.pid, SIGCHLD), False)
                self._handling[event.child, SIGCHLD] = inherited
            if isinstance(event, SignalSent) and not self._acts(event):
                self._unheard.add(event.index)
            if not self._matters(event):
                continue
            if turn and turn[-1].pid != event.pid:
                yield self._told(turn)
                turn = []
            turn.append(event)
        if turn:
            yield self._told(turn)

    def _matters(self, event: Event) -> bool:
        concern = self._concern
        run_is_over = self._run.stuck is not None
        if event.pid not in concern.pids:
            return False
        match event:
            case Forked():
                return event.child in concern.pids
            case Ended() | Orphaned():
                return True
            case Ending():
                return self._run.others_saw(event)
            case WaitBegan():
                forever = run_is_over and event is self._last_waits.get(event.pid)
                how = event.waiting
                lock = how.call == "futex" and not self._is_last(event)
                of_call = how.ends or lock or how.deadline is not None
                target = how.target or -1
                known = target <= 0 or target in concern.pids
                return known and not forever and not of_call
            case Waited():
                if event.child:
                    return event.child in concern.pids
                return bool(concern.signals) or concern.questions
            case SignalSent():
                if event.signal == SIGCHLD and not self._handled(event.target):
                    return False
                return event.target in concern.pids and event.signal in concern.signals
            case SignalDelivered():
                return event.action == "handler" and event.signal in concern.signals
            case HandlerSet():
                return event.signal in concern.signals and bool(handling(event))
            case PipeMade():
                return event.pipe in self._pipes
            case Closed():
                return event.end in concern.ends and not event.error
            case Read(source=End() as end) | Wrote(target=End() as end):
                return end.pipe in self._pipes and not event.error
            case Wrote(target=Stream.OUTPUT | Stream.TERMINAL):
                return concern.output and not event.error
            case FileNamed():
                return event.path in concern.paths and event.line is not None
            case Slept():
                return event.seconds > 0 and not concern.traffic
        return False

    def _is_last(self, event: WaitBegan) -> bool:
        """Whether a process waited until it was killed, and did no more."""
        process = self._run.process(event.pid)
        after = [e for e in process.events if e.index > event.index] if process else []
        return all(isinstance(e, SignalSent | SignalDelivered | Ended) for e in after)

    def _acts(self, event: SignalSent) -> bool:
        """Whether it will: of itself SIGCHLD does nothing to who has no handler."""
        handles = self._handling.get((event.target, event.signal), False)
        return event.signal != SIGCHLD or handles

    def _handled(self, pid: int) -> bool:
        process = self._run.process(pid)
        return process is not None and any(
            event.signal == SIGCHLD and event.disposition == "handler"
            for event in process.of(HandlerSet)
        )

    def _told(self, turn: list[Event]) -> str:
        who = turn[0].pid
        before = self._still_pending(who, turn)
        phrases: list[str] = []
        while turn:
            same = 1
            while same < len(turn) and self._alike(turn[0], turn[same]):
                same += 1
            phrases.append(self._phrase(turn[:same]))
            turn = turn[same:]
        return (
            before + f"{self._who(who)} " + _joined(in_rows([p for p in phrases if p]))
        )

    def _alike(self, first: Event, second: Event) -> bool:
        """Whether two events can be told as one thing that was done several times."""
        if type(first) is not type(second) or first.line != second.line:
            return False
        match first, second:
            case (Forked(), Forked()) | (Slept(), Slept()):
                return True
            case Waited(), Waited():
                if first.child or second.child:
                    return bool(first.child and second.child)
                return self._asks(first) == self._asks(second)
            case SignalDelivered(), SignalDelivered():
                return first.signal == second.signal
            case Read(), Read():
                both = bool(first.count and second.count)
                return both and first.source == second.source
            case Wrote(), Wrote():
                return first.target == second.target
        return False

    def _still_pending(self, who: int, turn: list[Event]) -> str:
        """What makes the moment of this turn matter: a signal that has not acted."""
        for target, pending in self._pending.items():
            again = [
                event
                for event in turn
                if isinstance(event, SignalSent)
                and event.target == target
                and event.signal in pending
            ]
            if target != who and again:
                return f"before {self._who(target)} runs, "
        return ""

    def _who(self, pid: int) -> str:
        if pid == self._run.root.pid:
            return "the parent" if self._run.root.children else "the program"
        return str(pid)

    def _phrase(self, events: list[Event]) -> str:
        event, count = events[0], len(events)
        at = self._at(event.line)
        match event:
            case Forked():
                children = [str(e.child) for e in events if isinstance(e, Forked)]
                return f"forks {_joined(children)}{at}"
            case Ending():
                return f"is about to end: its descriptors are closed already{at}"
            case Ended():
                return self._end(event) + at
            case Orphaned():
                return f"is left an orphan by the end of {self._who(event.parent)}"
            case Waited():
                if event.child:
                    got = [str(e.child) for e in events if isinstance(e, Waited)]
                    return f"collects {_joined(got)}{at}"
                often = f" {count} times" if count > 1 else ""
                return self._asks(event, often) + at
            case WaitBegan():
                return f"waits {self._how(event.waiting)}{at}"
            case SignalSent():
                return self._sent(event) + at
            case SignalDelivered():
                self._pending.get(event.pid, set()).discard(event.signal)
                signal = signal_name(event.signal)
                if waits_for_call(self._run, event):
                    return f"gets {signal}; its handler waits for the call's end{at}"
                often = f" {count} times" if count > 1 else ""
                return f"runs its handler for {signal}{often}{at}"
            case HandlerSet():
                return handling(event) + at
            case PipeMade():
                return f"makes {self._pipe(event.pipe)}{at}"
            case Closed(end=End() as end):
                return f"closes the {end.side} end of {self._pipe(end.pipe)}{at}"
            case Read(source=End() as end):
                what = "end of file" if not event.count else _bytes(events)
                return f"reads {what} from {self._pipe(end.pipe)}{at}"
            case Wrote(target=End() as end):
                return f"writes {_bytes(events)} to {self._pipe(end.pipe)}{at}"
            case Wrote():
                return f"prints {_bytes(events)}{at}"
            case FileNamed():
                return self._named(event) + at
            case Slept():
                return f"sleeps{at}" if count == 1 else f"sleeps {count} times{at}"
        return ""

    def _asks(self, event: Waited, often: str = "") -> str:
        """A wait that collected nobody."""
        if event.left:
            left = f"{event.left}, which has ended"
            return f"looks{often} at {left}: WNOWAIT leaves it a zombie"
        if asks_for_stranger(self._run, event):
            return f"asks{often} for the end of {stranger(event)}"
        answer = why_nobody(self._run, event)
        return f"asks{often} for a child that has ended: {answer}"

    def _end(self, event: Ended) -> str:
        process = self._run.process(event.pid)
        if event.signal:
            return f"is killed by {signal_name(event.signal)}"
        trace = traceback_of(process) if process and event.exit_code == 1 else None
        if trace:
            at = f" at line {trace[1]}" if trace[1] else ""
            return f"dies{at} of {one_line(trace[0])}"
        return f"ends with exit code {event.exit_code}" if event.exit_code else "ends"

    def _sent(self, event: SignalSent) -> str:
        signal, target = signal_name(event.signal), self._who(event.target)
        if event.index in self._unheard:
            return f"its {signal} is lost, since {target} does not handle it now"
        self._pending.setdefault(event.target, set()).add(event.signal)
        own = event.signal == SIGCHLD
        blocks = ", which blocks it" if event.blocked else ""
        if event.merged:
            mine = "its" if own else "the"
            return f"{mine} {signal} merges with the one that is pending for {target}"
        if own:
            return f"its {signal} is pending for {target}{blocks}"
        whom = "itself" if event.pid == event.target else target
        return f"sends {signal} to {whom}{blocks}"

    def _named(self, event: FileNamed) -> str:
        path = one_line(os.path.basename(event.path))
        if event.error == 2:
            return f"sees that {path} is not there"
        if event.error:
            return f"cannot use {path}"
        return f"makes or changes {path}" if event.changes else f"finds {path} there"

    def _pipe(self, pipe: int) -> str:
        return f"pipe {self._pipes[pipe]}" if len(self._pipes) > 1 else "the pipe"

    def _how(self, waiting: Waiting) -> str:
        end = next((e for e in waiting.ends if isinstance(e, End)), None)
        if end is None:
            return waits(waiting)
        what = "for data or end of file in" if end.side is Side.READ else "for room in"
        return f"{what} {self._pipe(end.pipe)}"

    def _at(self, line: int | None) -> str:
        """Where in the program, and the first time in its words."""
        if line is None:
            return ""
        words = self._source[line - 1].strip() if line <= len(self._source) else ""
        if not words or line in self._quoted:
            return f" (line {line})"
        self._quoted.add(line)
        shown = one_line(words)
        if len(shown) > _LONGEST_QUOTE:
            shown = shown[: _LONGEST_QUOTE - 3] + "..."
        return f" (line {line}: `{shown}`)"

    def ending(self) -> Iterator[str]:
        """How those are left that the findings are about."""
        run = self._run
        waiting = {
            p.pid: p.waiting
            for p in (run.stuck.processes if run.stuck else ())
            if p.state == "waiting" and p.waiting and p.pid in self._concern.pids
        }
        began = {id(event.waiting): event for event in run.of(WaitBegan)}
        ends = [
            f"{self._who(pid)} {how_long(run.stuck)} {self._how(how)}"
            + self._at(began[id(how)].line if id(how) in began else how.line)
            for pid, how in waiting.items()
            if run.stuck
        ]
        left = [
            str(p.pid)
            for p in run.processes
            if p.pid in self._concern.pids
            and p.parent
            and p.ended
            and not p.collected
            and not p.orphaned
            and not p.discarded
        ]
        if left:
            one = len(left) == 1
            are = "is a zombie" if one else "are zombies"
            whose = "its" if one else "their"
            if run.stuck is None:
                how = f"when {whose} parent ends"
            else:
                how = "at the end" if run.stuck.may_change else "for ever"
            ends.append(f"{_joined(left)} {are} {how}")
        if ends:
            yield "; ".join(ends)


def _only_ignored(event: Event) -> bool:
    return isinstance(event, SignalDelivered) and event.action == "ignore"


def _bytes(events: Sequence[Event]) -> str:
    moved = [e for e in events if isinstance(e, Read | Wrote)]
    size = sum(event.count for event in moved)
    if len(moved) == 1 and size <= 16:
        return (
            '"'
            + moved[0]
            .data.decode(errors="backslashreplace")
            .encode("unicode_escape")
            .decode()
            + '"'
        )
    return f"{size} bytes"


_LONGEST_ROW = 4  # phrases that take turns
_WORTH_COUNTING = 3


def in_rows(phrases: Sequence[str]) -> list[str]:
    """The same phrases, with those that come again and again in turns told once."""
    found, at = [], 0
    while at < len(phrases):
        for size in range(1, _LONGEST_ROW + 1):
            row, times = phrases[at : at + size], 1
            while phrases[at + times * size : at + (times + 1) * size] == row:
                times += 1
            if times >= _WORTH_COUNTING and len(row) == size:
                found.append(f"{_joined(row)} ({times} times in a row)")
                at += times * size
                break
        else:
            found.append(phrases[at])
            at += 1
    return found


def _joined(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
