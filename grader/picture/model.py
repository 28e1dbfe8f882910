"""What a picture consists of: rows, lanes, and what connects them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from grader.picture.words import Kind
from grader.tracing.recording import End


class State(StrEnum):
    """What a process does over some rows."""

    RUNS = "runs"
    BLOCKED = "blocked"
    STOPPED = "stopped"
    ZOMBIE = "zombie"


class Link(StrEnum):
    """What an arrow stands for."""

    FORK = "fork"
    COLLECT = "collect"
    DATA = "data"
    SIGNAL = "signal"

    @property
    def words(self) -> str:
        """What a legend says of it."""
        return {"collect": "status collected", "data": "bytes through a pipe"}.get(
            self.value, self.value
        )


@dataclass(frozen=True, slots=True)
class Culprit:
    """Whom a finding points at: a process, and the pipe's end that it holds.

    `why` is a few words on it, in the picture's last rows.
    """

    pid: int
    end: End | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A process's place: a column, from its first row to its last.

    `seen` is false where all its rows are among those that were left out.
    """

    pid: int
    parent: int | None
    column: int
    first: int
    last: int
    culprit: bool = False
    seen: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """What a process does from the row `first` to the row `last`."""

    pid: int
    state: State
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A signal that was sent in one row and reached its process in a later one."""

    pid: int
    signal: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Arrow:
    """Something that went from one process to another.

    It arrives in the row `row`; it was sent in the row `sent`, which is the same for
    all but bytes that lay in a pipe: `count` of them. `merged`: the same signal was
    pending there already, and this one is lost.
    """

    link: Link
    source: int
    target: int
    sent: int
    row: int
    label: str
    count: int = 0
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A row in which a process does something.

    `text` is what, `data` what of the submission's belongs to it, `line` a line of the
    program, `file` the name of a file that other processes touch too.
    """

    time: float
    pid: int
    kind: Kind
    text: str
    data: str = ""
    line: int | None = None
    file: str = ""
    culprit: bool = False

    @property
    def words(self) -> str:
        """All that it says."""
        return f"{self.text} {self.data}" if self.data else self.text


@dataclass(frozen=True, slots=True)
class Gap:
    """A row for virtual time in which nothing happened."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Elision:
    """A row for steps that were left out."""

    steps: int
    processes: int = 0


Row = Step | Gap | Elision


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be drawn. Rows and columns count from 0.

    `order` says in words under which timing the run was made.
    `processes` is how many there were, also those without a lane. `shared` is the
    column that several processes share at the same time, where there are more of them
    than columns.
    """

    order: str
    duration: float
    processes: int
    rows: tuple[Row, ...]
    lanes: tuple[Lane, ...]
    spans: tuple[Span, ...]
    pending: tuple[Pending, ...]
    arrows: tuple[Arrow, ...]
    columns: int
    shared: int | None = None

    def lane(self, pid: int) -> Lane | None:
        """The lane of a process, None where there was no such process."""
        return next((lane for lane in self.lanes if lane.pid == pid), None)
