"""A recording -> a picture: who has which lane, and what is in which row.

Pure: the same recording has the same picture. Time runs downwards, a row for each
step, so that what took no time is seen as well as what took long; a `Gap` is a row that
says how much time went by.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from grader.picture.draft import Draft
from grader.picture.model import (
    Culprit,
    Elision,
    Lane,
    Pending,
    Picture,
    Row,
    Span,
    State,
    Step,
)
from grader.tracing.recording import (
    Continued,
    Ended,
    Orphaned,
    Process,
    Recording,
    SignalDelivered,
    SignalSent,
    Stopped,
    WaitBegan,
    signal_name,
)

# So many processes have a column of their own before any is used a second time.
_COMFORTABLE = 8


def lay_out(
    run: Recording,
    *,
    steps: int = 300,
    columns: int = 24,
    culprits: Iterable[Culprit] = (),
) -> Picture:
    """The picture of a run, of at most about `steps` rows and `columns` columns."""
    blamed = tuple(culprits)
    draft = Draft(run, blamed)
    rows, places = _leave_out(draft.rows, max(steps, 3))
    return _assemble(run, draft, rows, places, columns, {c.pid for c in blamed})


def _leave_out(rows: list[Row], limit: int) -> tuple[list[Row], list[int]]:
    """Rows without the middle, and for each old row where it is now."""
    if len(rows) <= limit:
        return rows, list(range(len(rows)))
    head = limit // 2
    tail = limit - head - 1
    middle = rows[head : len(rows) - tail]
    count = sum(isinstance(row, Step) for row in middle)
    kept = [*rows[:head], Elision(count), *rows[len(rows) - tail :]]
    places = [
        *range(head),
        *[head] * len(middle),
        *range(head + 1, head + 1 + tail),
    ]
    return kept, places


def _life(draft: Draft, process: Process) -> tuple[int, int]:
    """The first and the last row of a process, before any is left out."""
    end = len(draft.rows) - 1
    first = draft.row_of(process.began.index)
    if process.collected is not None:
        return first, draft.row_of(process.collected.index)
    if process.ended is None:
        return first, max(end, first)
    ended = draft.row_of(process.ended.index)
    if process.parent is None or process.discarded or process.orphaned:
        return first, ended
    # Its parent's end hands it to one who collects it at once.
    gone = process.parent.ended
    if gone is not None and gone.index > process.ended.index:
        return first, max(draft.row_of(gone.index), ended)
    return first, max(end, first)


def _states(draft: Draft, process: Process) -> list[tuple[int, State]]:
    """When a process becomes what."""
    changes = [(draft.row_of(process.began.index), State.RUNS)]
    for event in process.events:
        state = changes[-1][1]
        if isinstance(event, WaitBegan):
            new = State.BLOCKED
        elif isinstance(event, Stopped):
            new = State.STOPPED
        elif isinstance(event, Ended):
            new = State.ZOMBIE
        elif (
            isinstance(event, Orphaned)
            or state is State.ZOMBIE
            or (state is State.STOPPED and not isinstance(event, Continued))
            or (isinstance(event, SignalSent) and event.pid != process.pid)
            # A call that such a signal finds a process in goes on: signal(7).
            or (isinstance(event, SignalDelivered) and event.action == "ignore")
        ):
            continue
        else:
            new = State.RUNS
        if new is not state:
            changes.append((draft.row_of(event.index), new))
    return changes


def _assemble(
    run: Recording,
    draft: Draft,
    rows: list[Row],
    places: list[int],
    columns: int,
    blamed: set[int],
) -> Picture:
    lanes: list[Lane] = []
    spans: list[Span] = []
    elided = next((n for n, row in enumerate(rows) if isinstance(row, Elision)), None)
    for process in run.processes:
        start, stop = _life(draft, process)
        first, last = places[start], places[stop]
        seen = not (elided is not None and first == last == elided)
        parent = process.parent.pid if process.parent else None
        lanes.append(
            Lane(process.pid, parent, 0, first, last, process.pid in blamed, seen)
        )
        if not seen:
            continue
        changes = _states(draft, process)
        for (begin, state), (next_begin, _) in zip(
            changes, [*changes[1:], (stop + 1, State.RUNS)], strict=True
        ):
            until = min(next_begin - 1, stop)
            # One that is collected in the row in which it ended is not seen as one.
            zombie = state is State.ZOMBIE and places[begin] == last
            if begin <= until and not zombie:
                span = Span(process.pid, state, places[begin], places[until])
                # Of all that it was among the steps left out, what it was at last.
                if spans and _hides(spans[-1], elided, process):
                    spans.pop()
                spans.append(span)
    placed, used, shared = _columns(lanes, columns)
    hidden = sum(not lane.seen for lane in placed)
    if elided is not None:
        gone = rows[elided]
        assert isinstance(gone, Elision)
        rows[elided] = replace(gone, processes=hidden)
    arrows = tuple(
        replace(arrow, sent=places[arrow.sent], row=places[arrow.row])
        for arrow in draft.arrows
        if places[arrow.row] != elided
    )
    return Picture(
        run.order,
        run.duration,
        len(run.processes),
        tuple(rows),
        tuple(placed),
        tuple(spans),
        tuple(_pending(run, draft, places)),
        arrows,
        used,
        shared,
    )


def _hides(span: Span, elided: int | None, of: Process) -> bool:
    return span.pid == of.pid and span.first == span.last == elided


def _columns(lanes: list[Lane], most: int) -> tuple[list[Lane], int, int | None]:
    """Each lane in a column, how many there are, and the one that is shared."""
    until: list[int] = []  # the last row in which each column is taken
    shared: int | None = None
    placed: dict[int, Lane] = {}
    for number, lane in sorted(
        enumerate(lanes), key=lambda pair: (pair[1].first, pair[0])
    ):
        if not lane.seen and until:
            placed[number] = replace(lane, column=len(until) - 1)
            continue
        # A row is left free between two in the same column.
        free = next((c for c, row in enumerate(until) if row + 1 < lane.first), None)
        if len(until) < min(_COMFORTABLE, most) or (free is None and len(until) < most):
            free = len(until)
            until.append(lane.last)
        elif free is None:
            free = shared = most - 1
        until[free] = max(until[free], lane.last)
        placed[number] = replace(lane, column=free)
    return [placed[number] for number in range(len(lanes))], len(until), shared


def _pending(run: Recording, draft: Draft, places: list[int]) -> list[Pending]:
    """Signals that were not delivered in the row in which they were sent.

    Only those that were delivered at last: of others nobody knows here whether they
    were pending or, as most signals of a default action, thrown away.
    """
    sent: dict[tuple[int, int], SignalSent] = {}
    found: list[Pending] = []
    for event in run.events:
        if isinstance(event, SignalSent) and not event.merged:
            sent[event.target, event.signal] = event
        elif isinstance(event, SignalDelivered):
            before = sent.pop((event.pid, event.signal), None)
            if before is None or event.action == "ignore":
                continue
            first = places[draft.row_of(before.index)]
            last = places[draft.row_of(event.index)]
            if last > first + 1:
                name = signal_name(event.signal)
                found.append(Pending(event.pid, name, first, last))
    return found
