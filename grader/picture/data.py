"""A picture as a line of JSON, to be kept with a verdict and drawn where it is read.

Lists of what is told in `grader.picture.model`, in the order of its fields. Lanes that
no row shows or speaks of are left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from grader.picture.model import (
    Arrow,
    Elision,
    Gap,
    Lane,
    Link,
    Pending,
    Picture,
    Row,
    Span,
    State,
    Step,
)
from grader.picture.words import Kind


def dumps(picture: Picture) -> str:
    """The picture as JSON."""
    return _written(_data(picture))


def _written(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"))


def _data(picture: Picture) -> dict[str, Any]:
    seen = {lane.pid for lane in picture.lanes if lane.seen}
    told = {row.pid for row in picture.rows if isinstance(row, Step)}
    return {
        "order": picture.order,
        "duration": picture.duration,
        "processes": picture.processes,
        "columns": picture.columns,
        "shared": picture.shared,
        "rows": [_row(row) for row in picture.rows],
        "lanes": [
            [
                *(one.pid, one.parent, one.column, one.first, one.last),
                *(one.culprit, one.seen),
            ]
            for one in picture.lanes
            if one.seen or one.pid in told
        ],
        "spans": [
            [one.pid, one.state.value, one.first, one.last] for one in picture.spans
        ],
        "pending": [
            [one.pid, one.signal, one.first, one.last]
            for one in picture.pending
            if one.pid in seen
        ],
        "arrows": [
            [
                *(one.link.value, one.source, one.target, one.sent, one.row),
                *(one.label, one.count, one.merged),
            ]
            for one in picture.arrows
            if {one.source, one.target} <= seen
        ],
    }


def _row(row: Row) -> list[Any]:
    if isinstance(row, Gap):
        return [row.seconds]
    if isinstance(row, Elision):
        return [row.steps, row.processes]
    step = [round(row.time, 6), row.pid, row.kind.value, row.text, row.data]
    return [*step, row.line, row.file, row.culprit]


def loads(text: str) -> Picture:
    """Read what `dumps` made.

    Raises ``ValueError`` where it is something else, as of another version.
    """
    try:
        data = json.loads(text)
        picture = Picture(
            order=str(data["order"]),
            duration=float(data["duration"]),
            processes=int(data["processes"]),
            columns=int(data["columns"]),
            shared=data["shared"],
            rows=tuple(_read_row(*row) for row in data["rows"]),
            lanes=tuple(Lane(*lane) for lane in data["lanes"]),
            spans=tuple(
                Span(pid, State(state), first, last)
                for pid, state, first, last in data["spans"]
            ),
            pending=tuple(Pending(*one) for one in data["pending"]),
            arrows=tuple(Arrow(Link(link), *rest) for link, *rest in data["arrows"]),
        )
        _check(picture)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a picture: {error}") from error
    return picture


def _read_row(*row: Any) -> Row:
    if len(row) == 1:
        return Gap(float(row[0]))
    if len(row) == 2:
        return Elision(int(row[0]), int(row[1]))
    time, pid, kind, text, data, line, file, culprit = row
    return Step(float(time), pid, Kind(kind), text, data, line, file, culprit)


def _check(picture: Picture) -> None:
    """Raises ``ValueError`` where it cannot be drawn."""
    last = len(picture.rows) - 1
    pids = {lane.pid for lane in picture.lanes}
    used = {row.pid for row in picture.rows if isinstance(row, Step)}
    places = {place for lane in picture.lanes for place in (lane.first, lane.last)}
    for span in picture.spans:
        used.add(span.pid)
        places |= {span.first, span.last}
    for one in picture.pending:
        used.add(one.pid)
        places |= {one.first, one.last}
    for arrow in picture.arrows:
        used |= {arrow.source, arrow.target}
        places |= {arrow.sent, arrow.row}
    if (
        not used <= pids
        or not pids
        or not all(isinstance(pid, int) for pid in pids)
        or not all(0 <= place <= last for place in places)
        or not all(0 <= lane.column < picture.columns for lane in picture.lanes)
    ):
        raise ValueError("not a picture: it has no place for all that is in it")


def texts(text: str) -> list[str]:
    """What is told in a picture, in an order of its own."""
    data = json.loads(text)
    return [word for row in data["rows"] if len(row) > 2 for word in _told(row)]


def _told(row: Sequence[Any]) -> tuple[str, str, str]:
    return row[3], row[4], row[6]


def with_texts(text: str, told: Sequence[str]) -> str:
    """The picture that tells something else; `told` is in the order of `texts`."""
    data, words = json.loads(text), iter(told)
    for row in data["rows"]:
        if len(row) > 2:
            row[3], row[4], row[6] = next(words), next(words), next(words)
    return _written(data)
