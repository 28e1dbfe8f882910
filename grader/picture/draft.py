"""A recording -> all rows of its picture, and the arrows in them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from dataclasses import dataclass, replace

from grader.picture.files import shared_files
from grader.picture.model import Arrow, Culprit, Gap, Link, Row, Step
from grader.picture.words import (
    ERRORS,
    Kind,
    describe,
    names,
    prints,
    quoted,
    size,
    target_name,
    waiting,
)
from grader.report.timeline import how_long
from grader.tracing.recording import (
    Closed,
    End,
    Ended,
    Ending,
    Event,
    FileNamed,
    Forked,
    HandlerSet,
    PipeMade,
    Process,
    Read,
    Recording,
    SignalSent,
    Target,
    WaitBegan,
    Waited,
    Wrote,
    signal_name,
)

_TRANSFERS = (Read, Wrote)  # to make a union of them takes as long as to ask twice

# Virtual seconds; less is no gap.
_GAP = 0.01
# Reads and writes of so many bytes at most, or at least, are told together, and of
# their data no more than is shown.
_FEW_BYTES = 4
_MANY_BYTES = 4096
_KEPT = 200

# Characters that a step has before others of its kind join it no more.
_LONG = 100


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What was read or written at several times, one straight after the other."""

    count: int = 0
    data: bytes = b""
    times: int = 0

    def and_also(self, event: Read | Wrote) -> _Pieces:
        data = self.data if len(self.data) > _KEPT else self.data + event.data[:_KEPT]
        return _Pieces(self.count + event.count, data, self.times + 1)


_NONE = _Pieces()


class Draft:
    """All rows of a run, and what connects them, before any is left out."""

    def __init__(self, run: Recording, culprits: tuple[Culprit, ...]) -> None:
        self._run = run
        self._pipes = len(run.of(PipeMade))
        self._known = {process.pid for process in run.processes}
        self._files = shared_files(run)
        self.rows: list[Row] = []
        self.arrows: list[Arrow] = []
        # The first event of each step, with its row: where an event has no row of its
        # own, what it changes is seen in the next one.
        self._starts: list[int] = []
        self._start_rows: list[int] = []
        self._last_event: Event | None = None
        self._in_pipes: defaultdict[int, deque[list[int]]] = defaultdict(deque)
        self._owed: defaultdict[int, deque[list[int]]] = defaultdict(deque)
        self._pieces = _NONE
        self._time = 0.0
        for event in run.events:
            self._add(event)
        self._finish(culprits)

    def row_of(self, index: int) -> int:
        """The row in which an event is seen."""
        place = bisect_left(self._starts, index)
        if place < len(self._starts) and self._starts[place] == index:
            return self._start_rows[place]
        if place == len(self._starts):
            return len(self.rows) - 1
        return self._start_rows[place]

    def _add(self, event: Event) -> None:
        if isinstance(event, _TRANSFERS) and not event.error:
            target = event.source if isinstance(event, Read) else event.target
            if type(target) is str and target not in self._files:
                return
            self._move(event, target)
        elif isinstance(event, FileNamed):
            if event.path not in self._files:
                return
            file = self._files[event.path]
            self._step(event, event.pid, Kind.FILE, names(event, file), file=file)
        elif isinstance(event, SignalSent):
            self._signal(event)
        elif isinstance(event, Ending) and not self._run.others_saw(event):
            return
        elif said := describe(event, self._pipes):
            kind, text, data = said
            if isinstance(event, Closed | HandlerSet) and self._joins(event):
                self._join(event, self._and(text))
            elif isinstance(event, WaitBegan) and self._repeats(event, text):
                self._join(event, text)
            else:
                self._step(event, event.pid, kind, text, data)
            if isinstance(event, Forked):
                self._arrow(Link.FORK, event.pid, event.child)
            elif isinstance(event, Waited) and event.child:
                how = (
                    signal_name(event.signal) if event.signal else str(event.exit_code)
                )
                self._arrow(Link.COLLECT, event.child, event.pid, how)
        else:
            return
        self._last_event = event

    def _step(
        self,
        event: Event,
        pid: int,
        kind: Kind,
        text: str,
        data: str = "",
        file: str = "",
    ) -> None:
        if event.time - self._time >= _GAP:
            self.rows.append(Gap(event.time - self._time))
        self._time = event.time
        step = Step(event.time, pid, kind, text, data, event.line, file)
        self._starts.append(event.index)
        self._start_rows.append(len(self.rows))
        self.rows.append(step)

    def _joins(self, event: Event) -> bool:
        """Whether an event goes on with what the last step says."""
        last, step = self._last_event, self.rows[-1] if self.rows else None
        return (
            last is not None
            and isinstance(step, Step)
            and len(step.text) < _LONG
            and type(last) is type(event)
            and last.pid == event.pid
            and event.time - last.time < _GAP
            and event.line == last.line
        )

    def _repeats(self, event: Event, text: str) -> bool:
        """Whether an event says the same as the last step, as of another thread."""
        step = self.rows[-1]
        return self._joins(event) and isinstance(step, Step) and step.text == text

    def _join(self, event: Event, text: str, data: str = "") -> None:
        """Let the last step, which is of the same process, stand for `event` too."""
        step = self.rows[-1]
        assert isinstance(step, Step)
        self._starts.append(event.index)
        self._start_rows.append(len(self.rows) - 1)
        self.rows[-1] = replace(step, text=text, data=data)

    def _and(self, text: str) -> str:
        """The last step's words and these, without their verb where it is the same."""
        step = self.rows[-1]
        assert isinstance(step, Step)
        verb, _, rest = text.partition(" ")
        return f"{step.text}, {rest if step.text.startswith(verb) else text}"

    def _arrow(
        self,
        link: Link,
        source: int,
        target: int,
        label: str = "",
        *,
        merged: bool = False,
    ) -> None:
        if source in self._known and target in self._known and source != target:
            row = len(self.rows) - 1
            self.arrows.append(
                Arrow(link, source, target, row, row, label, merged=merged)
            )

    # --- bytes ---

    def _move(self, event: Read | Wrote, target: Target) -> None:
        file = self._files.get(target, "") if isinstance(target, str) else ""
        where = file or target_name(target, self._pipes)
        kind = Kind.FILE if file else Kind.PIPE
        if isinstance(event, Read) and not event.count:
            text = f"reads end of file from {where}"
            self._step(event, event.pid, kind, text, file=file)
            return
        verb = "writes {} to" if isinstance(event, Wrote) else "reads {} from"
        joins = self._is_piece(event, target)
        self._pieces = (self._pieces if joins else _NONE).and_also(event)
        text = f"{verb.format(size(self._pieces.count))} {where}:"
        if isinstance(event, Wrote):
            text = prints(event) or text
        data = quoted(self._pieces.data, colours=not text.endswith(ERRORS))
        if joins:
            self._join(event, text, f"{data} ({self._pieces.times} times)")
        else:
            self._step(event, event.pid, kind, text, data, file)
        if not isinstance(target, End):
            return
        row = len(self.rows) - 1
        if isinstance(event, Wrote):
            left = self._pay(event.pid, target.pipe, event.count)
            if left:
                self._in_pipes[target.pipe].append([event.pid, left, row])
            return
        for writer, taken, sent in self._take(event.pid, target.pipe, event.count):
            if writer != event.pid and writer in self._known:
                self._data(writer, event.pid, taken, sent, row)

    def _is_piece(self, event: Read | Wrote, target: Target) -> bool:
        """Whether an event goes on with what the last did, a few bytes at a time."""
        last = self._last_event
        if not isinstance(last, _TRANSFERS) or not self._joins(event):
            return False
        same = last.target if isinstance(last, Wrote) else last.source
        less, more = sorted((last.count, event.count))
        alike = (less > 0 and more <= _FEW_BYTES) or less >= _MANY_BYTES
        return same == target and not last.error and alike

    def _data(self, source: int, target: int, count: int, sent: int, row: int) -> None:
        last = self.arrows[-1] if self.arrows else None
        if last and (last.link, last.source, last.row) == (Link.DATA, source, row):
            count += last.count
            self.arrows.pop()
        self.arrows.append(
            Arrow(Link.DATA, source, target, sent, row, size(count), count)
        )

    def _pay(self, writer: int, pipe: int, count: int) -> int:
        """Give what a write put into a pipe to those who read it before it came back.

        How many bytes are left, which nobody has read yet.
        """
        owed = self._owed[pipe]
        while count > 0 and owed:
            reader, missing, row = owed[0]
            paid = min(missing, count)
            count -= paid
            if paid == missing:
                owed.popleft()
            else:
                owed[0][1] -= paid
            if reader != writer and writer in self._known:
                self._data(writer, reader, paid, row, row)
        return count

    def _take(self, reader: int, pipe: int, count: int) -> list[tuple[int, int, int]]:
        """Who wrote the next `count` bytes of a pipe: pid, how many, and the row."""
        parts: list[tuple[int, int, int]] = []
        queue = self._in_pipes[pipe]
        while count > 0 and queue:
            pid, left, row = queue[0]
            taken = min(left, count)
            count -= taken
            if taken == left:
                queue.popleft()
            else:
                queue[0][1] -= taken
            if parts and parts[-1][0] == pid:
                parts[-1] = (pid, parts[-1][1] + taken, row)
            else:
                parts.append((pid, taken, row))
        if count > 0:
            # Of a write that waits for room, and comes back when it has written all.
            self._owed[pipe].append([reader, count, len(self.rows) - 1])
        return parts

    # --- signals ---

    def _signal(self, event: SignalSent) -> None:
        name = signal_name(event.signal)
        last = self._last_event
        if (
            isinstance(last, Ended)
            and last.pid == event.pid
            and isinstance(step := self.rows[-1], Step)
        ):
            merged = " (merged)" if event.merged else ""
            self.rows[-1] = replace(step, text=f"{step.text}; {name}{merged}")
            self._starts.append(event.index)
            self._start_rows.append(len(self.rows) - 1)
        elif event.pid in self._known:
            said = describe(event, self._pipes)
            assert said
            self._step(event, event.pid, *said)
        elif event.target in self._known:
            merged = " (merged)" if event.merged else ""
            text = f"{name} comes from outside{merged}"
            self._step(event, event.target, Kind.SIGNAL, text)
        else:
            return
        self._arrow(Link.SIGNAL, event.pid, event.target, name, merged=event.merged)

    # --- the end ---

    def _finish(self, culprits: tuple[Culprit, ...]) -> None:
        run = self._run
        end = max(run.duration, self._time)
        stuck = run.stuck
        if stuck is not None and stuck.time - self._time >= _GAP:
            self.rows.append(Gap(stuck.time - self._time))
        if run.excess is not None:
            text = f"the run was ended: limit of {run.excess.limit.value}"
            pid = run.excess.pid
            self._last(end, pid if pid in self._known else run.root.pid, text)
        for process in stuck.processes if stuck else ():
            assert stuck is not None
            if process.pid not in self._known:
                continue
            if process.state == "zombie":
                text = "is a zombie at the end"
            elif process.state == "waiting" and process.waiting:
                what = waiting(process.waiting, self._pipes)
                text = f"{how_long(stuck)} {what}"
            else:
                text = f"is {process.state} at the end"
            self._last(end, process.pid, text)
        for zombie in run.processes if not stuck else ():
            if zombie.parent and uncollected(zombie):
                self._last(end, zombie.pid, "was never collected")
        for culprit in culprits:
            if culprit.pid in self._known:
                self._last(end, culprit.pid, self._blame(culprit), culprit=True)

    def _blame(self, culprit: Culprit) -> str:
        if culprit.why or culprit.end is None:
            return culprit.why or "is to blame"
        where = target_name(culprit.end, self._pipes)
        return f"still holds the {culprit.end.side} end of {where}"

    def _last(self, time: float, pid: int, text: str, *, culprit: bool = False) -> None:
        self.rows.append(Step(time, pid, Kind.LAST, text, culprit=culprit))


def uncollected(process: Process) -> bool:
    """Whether its parent could have collected its status, and did not."""
    return (
        process.ended is not None
        and process.collected is None
        and process.orphaned is None
        and not process.discarded
    )
