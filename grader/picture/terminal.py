"""A picture -> lines for a terminal, of a width that no line exceeds."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from grader.picture.model import (
    Arrow,
    Gap,
    Lane,
    Link,
    Picture,
    State,
    Step,
)
from grader.picture.words import MARKS, MERGED, Kind, left_out, seconds

_WORDS = 33  # cells that a step's words have at least
_WIDEST_PITCH = 9  # cells from lane to lane: bytes that go across are written there
_FEW = 4  # columns; more of them leave that room to the words

# Terminals that draw only what a typewriter could.
_PLAIN_TERMINALS = ("dumb", "linux", "vt100", "vt220")


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a picture is drawn with."""

    states: dict[State, str]
    crossed: dict[State, str]
    links: dict[Link, str]
    kinds: dict[Kind, str]
    born: str
    left: str
    right: str
    lost_left: str
    lost_right: str
    pending: str
    gap: str
    more: str
    culprit: str


UNICODE = Glyphs(
    states={
        State.RUNS: "┃",
        State.BLOCKED: "│",
        State.STOPPED: "┊",
        State.ZOMBIE: "▒",
    },
    crossed={
        State.RUNS: "╂",
        State.BLOCKED: "┼",
        State.STOPPED: "┼",
        State.ZOMBIE: "▒",
    },
    links={Link.FORK: "━", Link.COLLECT: "─", Link.DATA: "═", Link.SIGNAL: "╌"},
    kinds={
        Kind.END: "✗",
        Kind.WAIT: "○",
        Kind.HANDLE: "◆",
        Kind.FILE: "■",
        Kind.START: "┳",
        Kind.LAST: "",
    },
    born="┳",
    left="◀",
    right="▶",
    lost_left="◁",
    lost_right="▷",
    pending="┆",
    gap="┊",
    more="…",
    culprit="‼",
)

ASCII = Glyphs(
    states={
        State.RUNS: "#",
        State.BLOCKED: "|",
        State.STOPPED: ":",
        State.ZOMBIE: "z",
    },
    crossed={
        State.RUNS: "#",
        State.BLOCKED: "|",
        State.STOPPED: ":",
        State.ZOMBIE: "z",
    },
    links={Link.FORK: "=", Link.COLLECT: "~", Link.DATA: "-", Link.SIGNAL: "."},
    kinds={
        Kind.END: "X",
        Kind.WAIT: "o",
        Kind.HANDLE: "@",
        Kind.FILE: "%",
        Kind.START: "#",
        Kind.LAST: "",
    },
    born="#",
    left="<",
    right=">",
    lost_left="x",
    lost_right="x",
    pending="'",
    gap=":",
    more="...",
    culprit="!",
)


def glyphs_for(encoding: str, terminal: str) -> Glyphs:
    """What an encoding and a terminal, as TERM names it, can show."""
    if terminal.partition("-")[0] in _PLAIN_TERMINALS:
        return ASCII
    try:
        _used(UNICODE).encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return UNICODE


def _used(glyphs: Glyphs) -> str:
    maps = (glyphs.states, glyphs.crossed, glyphs.links, glyphs.kinds)
    some = [character for one in maps for character in one.values()]
    rest = (glyphs.born, glyphs.left, glyphs.right, glyphs.pending, glyphs.gap)
    lost = (glyphs.lost_left, glyphs.lost_right)
    return "".join([*some, *rest, *lost, glyphs.more, glyphs.culprit])


def draw(picture: Picture, glyphs: Glyphs, width: int = 80) -> tuple[str, ...]:
    """The picture, with a legend of what it uses; `width` is at least 60 cells."""
    return tuple(_Drawing(picture, glyphs, max(width, 60)).lines())


class _Drawing:
    def __init__(self, picture: Picture, glyphs: Glyphs, width: int) -> None:
        self._picture = picture
        self._glyphs = glyphs
        self._width = width
        digits = max(len(str(lane.pid)) for lane in picture.lanes)
        columns = max(picture.columns, 1)
        steps = [row for row in picture.rows if isinstance(row, Step)]
        latest = max((step.time for step in steps), default=0.0)
        # The cells that the time has, with the space behind it.
        self._before = len(f"{latest:.3f}") + 2
        room = (width - self._before - _WORDS) // columns
        # The pids stand above their lanes where they fit, and each has its column.
        self._headed = room > digits and columns == len(picture.lanes)
        widest = _WIDEST_PITCH if columns <= _FEW else digits + 1
        self._pitch = max(2, min(room, widest) if self._headed else room)
        if not self._headed:
            self._pitch = min(self._pitch, 3)
        self._area = (columns - 1) * self._pitch + (digits if self._headed else 1)
        # So many cells that a pid and a word fit, whatever the lanes take.
        self._room = max(width - self._before - self._area - 2, 24)
        self._centre = digits // 2 if self._headed else 0
        self._by_row: dict[int, list[Arrow]] = {}
        for arrow in picture.arrows:
            self._by_row.setdefault(arrow.row, []).append(arrow)
        self._time = ""  # that was written last
        self._lanes = {lane.pid: lane for lane in picture.lanes}

    def lines(self) -> list[str]:
        lines = []
        if self._headed:
            lines.append(self._header())
        for number, row in enumerate(self._picture.rows):
            if isinstance(row, Step):
                lines += self._step(number, row)
            elif isinstance(row, Gap):
                lines += self._pause(number, f"{seconds(row.seconds)} pass")
            else:
                lines += self._pause(number, left_out(row.steps, row.processes))
        lines.append("")
        lines += self._legend()
        return [line.rstrip() for line in lines]

    # --- parts ---

    def _at(self, lane: Lane) -> int:
        return lane.column * self._pitch + self._centre

    def _header(self) -> str:
        cells = [" "] * self._area
        for lane in self._picture.lanes:
            pid = str(lane.pid)
            start = self._at(lane) - len(pid) // 2
            cells[start : start + len(pid)] = pid
            if lane.culprit and start + len(pid) < self._area:
                cells[start + len(pid)] = self._glyphs.culprit
        return " " * self._before + "".join(cells)

    def _live(self, number: int) -> list[tuple[Lane, State]]:
        """Who lives in a row, and what each does there; the last to come on top."""
        states = {
            span.pid: span.state
            for span in self._picture.spans
            if span.first <= number <= span.last
        }
        return [
            (lane, states[lane.pid])
            for lane in self._picture.lanes
            if lane.pid in states and lane.seen
        ]

    def _cells(self, number: int) -> tuple[list[str], dict[int, State]]:
        cells = [" "] * self._area
        states: dict[int, State] = {}
        for lane, state in self._live(number):
            cells[self._at(lane)] = self._glyphs.states[state]
            states[self._at(lane)] = state
        self._mark_pending(cells, number)
        return cells, states

    def _mark_pending(self, cells: list[str], number: int) -> None:
        for pending in self._picture.pending:
            place = self._at(self._lanes[pending.pid]) + 1
            if pending.first < number < pending.last and place < len(cells):
                cells[place] = self._glyphs.pending

    def _step(self, number: int, step: Step) -> list[str]:
        glyphs = self._glyphs
        cells, states = self._cells(number)
        lane = self._lanes[step.pid]
        mark = glyphs.kinds.get(step.kind, "●" if glyphs is UNICODE else "*")
        if step.kind is Kind.LAST and step.culprit:
            mark = glyphs.culprit
        if mark:
            cells[self._at(lane)] = mark
        for arrow in self._by_row.get(number, ()):
            self._arrow(cells, states, arrow, number)
        self._name_the_new(cells, number, step)
        lines = self._words(step)
        time = f"{step.time:{self._before - 2}.3f}"
        if time == self._time:
            time = ""
        else:
            self._time = time
        drawn = [f"{time:<{self._before}}{''.join(cells)}  {lines[0]}"]
        if len(lines) > 1:
            after, _ = self._cells(number)
            gone = step.kind in (Kind.END, Kind.COLLECT)
            for other in self._picture.lanes:
                if other.last == number and gone:
                    after[self._at(other)] = " "
            drawn += [
                f"{'':{self._before}}{''.join(after)}  {line}" for line in lines[1:]
            ]
        return drawn

    def _arrow(
        self, cells: list[str], states: dict[int, State], arrow: Arrow, number: int
    ) -> None:
        glyphs = self._glyphs
        source, target = self._lanes[arrow.source], self._lanes[arrow.target]
        if not source.first <= number <= source.last:
            return  # it wrote, and ended before this was read
        start, end = self._at(source), self._at(target)
        if start == end:
            return
        towards = 1 if end > start else -1
        for place in range(start + towards, end, towards):
            cells[place] = (
                glyphs.crossed[states[place]]
                if place in states
                else glyphs.links[arrow.link]
            )
        if end - towards not in states:
            tip = glyphs.right if towards > 0 else glyphs.left
            if arrow.merged:
                tip = glyphs.lost_right if towards > 0 else glyphs.lost_left
            cells[end - towards] = tip
        if arrow.link is Link.FORK:
            cells[end] = glyphs.born
        if arrow.link is Link.COLLECT:
            cells[start] = glyphs.kinds[Kind.END]
        label = f" {arrow.label} " if arrow.label else ""
        first, last = sorted((start, end))
        clear = not any(place in states for place in range(first + 1, last))
        if arrow.link is Link.DATA and clear and last - first - 4 >= len(label):
            middle = (first + last - len(label)) // 2 + 1
            cells[middle : middle + len(label)] = label

    def _name_the_new(self, cells: list[str], number: int, step: Step) -> None:
        """Write the pid beside a lane that begins, where there is room for it."""
        if self._headed:
            return
        for lane in self._picture.lanes:
            text = str(lane.pid)
            place = self._at(lane) + 1
            fits = place + len(text) < len(cells)
            if lane.first == number and lane.seen and fits:
                room = cells[place : place + len(text) + 1]
                if all(cell == " " for cell in room):
                    cells[place : place + len(text)] = text

    def _words(self, step: Step) -> list[str]:
        """What a step says, on lines of the room that there is: no pid is cut."""
        head = f"{step.pid} {step.text}"
        if self._headed and self._picture.columns == 1:
            head = step.text
        if step.culprit:
            head = f"{self._glyphs.culprit} {head}"
        lines = textwrap.wrap(head, self._room, subsequent_indent="  ")
        if not step.data:
            return lines
        left = self._room - len(lines[-1]) - 1
        more = self._glyphs.more
        if len(step.data) <= left:
            lines[-1] += f" {step.data}"
        elif left >= 12:
            lines[-1] += f" {step.data[: left - len(more)]}{more}"
        else:
            room = self._room - 2
            cut = len(step.data) > room
            data = step.data[: room - len(more)] + more if cut else step.data
            lines.append(f"  {data}")
        return lines

    def _pause(self, number: int, text: str) -> list[str]:
        cells = [" "] * self._area
        for lane, state in self._live(number):
            zombie = state is State.ZOMBIE
            cells[self._at(lane)] = (
                self._glyphs.states[state] if zombie else self._glyphs.gap
            )
        self._mark_pending(cells, number)
        more = self._glyphs.more
        lanes = f"{'':{self._before}}{''.join(cells)}  "
        said = textwrap.wrap(f"{more} {text} {more}", self._room)
        return [lanes + line for line in said]

    def _legend(self) -> list[str]:
        glyphs, picture = self._glyphs, self._picture
        states = {span.state for span in picture.spans}
        links = {arrow.link for arrow in picture.arrows if not arrow.merged}
        kinds = {row.kind for row in picture.rows if isinstance(row, Step)}
        words = [
            f"{glyphs.states[state]} {state.value}"
            for state in State
            if state in states
        ]
        words += [
            f"{glyphs.kinds[kind]} {said}"
            for kind, said in MARKS.items()
            if kind in kinds
        ]
        words += [
            f"{glyphs.links[link]}{glyphs.right} {link.words}"
            for link in Link
            if link in links
        ]
        if any(arrow.merged for arrow in picture.arrows):
            line = glyphs.links[Link.SIGNAL]
            words.append(f"{line}{glyphs.lost_right} {MERGED}")
        if picture.pending:
            words.append(f"{glyphs.pending} signal pending")
        if any(lane.culprit for lane in picture.lanes):
            words.append(f"{glyphs.culprit} look here first")
        lines = textwrap.wrap(
            "   ".join(word.replace(" ", "\0") for word in words), self._width
        )
        lines = [line.replace("\0", " ") for line in lines]
        if picture.shared is not None:
            said = (
                f"There are more processes than columns: column {picture.shared + 1}, "
                "the last, shows several at a time."
            )
            lines += textwrap.wrap(said, self._width)
        return lines
