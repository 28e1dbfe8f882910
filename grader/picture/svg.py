"""A picture -> SVG: text that can be selected, no script, nothing from elsewhere.

Everything of a submission's passes through `_text`, which leaves nothing that XML
cannot hold or that acts. What is alike is one path: a
report holds hundreds of pictures.
"""

from __future__ import annotations

from collections import defaultdict
from html import escape

from grader.picture.model import (
    Arrow,
    Gap,
    Lane,
    Link,
    Picture,
    Row,
    State,
    Step,
)
from grader.picture.words import MARKS, MERGED, Kind, left_out, seconds
from grader.report.text import one_line, xml_text

_ROW = 24  # units between rows, of which one is a CSS pixel
_HEAD = 60  # what the title takes, with the line under it
_LEFT = 74  # where the lanes begin, at least: the times stand before it
_CHARACTER = 7.3  # of the monospace font, at 12 pixels
_SMALL = 6.7  # the same at 11 pixels
_WORDS = 72  # characters of a step that are shown; its title has all

# So many lanes have their pids on them, with room for words between them; of more
# each has its pid beside its beginning.
_ROOMY = 3
_MANY = 8

_LIGHT = """\
--paper:#fdfcf9;--ink:#1d1f21;--soft:#55585c;--rule:#ebe7dd;\
--runs:#2f6690;--blocked:#7d8287;--zombie:#a63d40;--stopped:#7a5300;\
--fork:#2f6690;--collect:#1f6b4f;--data:#6a3d9a;--signal:#8a4b00;--bad:#a02c2f;\
--badpaper:#fbe9e7"""
_DARK = """\
--paper:#17191b;--ink:#e4e2dc;--soft:#a9a8a2;--rule:#282b2e;\
--runs:#6fa8d6;--blocked:#8d9297;--zombie:#d9686b;--stopped:#e3b867;\
--fork:#6fa8d6;--collect:#7fcfa8;--data:#c3a2ea;--signal:#e3a567;--bad:#f09a9c;\
--badpaper:#3a2324"""

STYLE = f"""\
.picture{{{_LIGHT};font-family:"Source Sans 3","Noto Sans",system-ui,"DejaVu Sans",\
sans-serif;font-size:13px}}
@media(prefers-color-scheme:dark){{.picture{{{_DARK}}}}}
@media print{{.picture{{{_LIGHT};--paper:#fff;max-width:100%;height:auto}}}}
.picture .paper{{fill:var(--paper)}}
.picture text{{fill:var(--ink);unicode-bidi:isolate}}
.picture .mono,.picture .mono text{{font:12px ui-monospace,"SF Mono","Cascadia Mono",\
"DejaVu Sans Mono",Menlo,monospace}}
.picture .steps tspan{{font-weight:600}}
.picture .soft,.picture .time text,.picture .gap{{fill:var(--soft)}}
.picture .head{{font-size:17px;font-weight:600}}
.picture .pid{{font-weight:600;text-anchor:middle}}
.picture .time text{{text-anchor:end}}
.picture .rule{{stroke:var(--rule);stroke-width:1}}
.picture .runs{{stroke:var(--runs);stroke-width:6}}
.picture .blocked{{stroke:var(--blocked);stroke-width:1.5}}
.picture .stopped{{stroke:var(--stopped);stroke-width:3;stroke-dasharray:3 3}}
.picture .zombie{{stroke:var(--zombie);stroke-width:1}}
.picture .hatch{{stroke:var(--zombie);stroke-width:2}}
.picture .tag{{fill:var(--paper);stroke:var(--runs);stroke-width:1.2}}
.picture .culprit .tag{{fill:var(--badpaper);stroke:var(--bad);stroke-width:2.2}}
.picture .culprit .pid,.picture text.culprit{{fill:var(--bad);font-weight:600}}
.picture .pending{{stroke:var(--signal);stroke-width:2.4;stroke-dasharray:1.5 3;\
fill:none}}
.picture .arrow{{fill:none;stroke-width:1.6}}
.picture .arrow.fork{{stroke:var(--fork);stroke-width:2.2}}
.picture .arrow.collect{{stroke:var(--collect)}}
.picture .arrow.data{{stroke:var(--data);stroke-width:2.2}}
.picture .arrow.signal{{stroke:var(--signal);stroke-dasharray:5 3}}
.picture .tip.fork{{fill:var(--fork)}}
.picture .tip.collect{{fill:var(--collect)}}
.picture .tip.data{{fill:var(--data)}}
.picture .tip.signal{{fill:var(--signal)}}
.picture .tip.merged{{fill:var(--paper);stroke:var(--signal);stroke-width:1.2}}
.picture .label text{{font-size:11px;text-anchor:middle;paint-order:stroke;\
stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}}
.picture .label .file{{text-anchor:start}}
.picture .label .last{{text-anchor:end}}
.picture .does{{stroke:var(--ink);stroke-width:7;stroke-linecap:round}}
.picture .waits{{fill:var(--paper);stroke:var(--ink);stroke-width:1.6}}
.picture .files{{fill:var(--paper);stroke:var(--ink);stroke-width:1.6}}
.picture .handles{{fill:var(--signal)}}
.picture .ends{{stroke:var(--bad);stroke-width:2.4;fill:none}}
.picture .hit{{fill:transparent}}
.picture .step:hover .hit,.picture .step:focus .hit{{fill:var(--runs);\
fill-opacity:.14}}
.picture .step:focus{{outline:none}}
.picture .step:focus .hit{{stroke:var(--runs);stroke-width:1.5}}
"""

# What is drawn on a lane where a step is, at its place.
_MARKS = {
    "does": "m0 0h0",
    "files": "m-4.5 -4.5h9v9h-9z",
    "waits": "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0",
    "handles": "m0 -7l7 7l-7 7l-7 -7z",
    "ends": "m-5 -5l10 10m0 -10l-10 10",
    "blamed": "m-7 0a7 7 0 1 0 14 0a7 7 0 1 0 -14 0",
}
_MARKED = {
    Kind.END: "ends",
    Kind.WAIT: "waits",
    Kind.HANDLE: "handles",
    Kind.FILE: "files",
}


def svg(picture: Picture, title: str) -> str:
    """The picture as a file of its own."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + drawing(
        picture, title, style=STYLE
    )


def drawing(
    picture: Picture, title: str, *, style: str = "", focusable: bool = False
) -> str:
    """The `<svg>` element alone; `focusable` lets the keyboard go from step to step."""
    return _Drawing(picture, title, "picture", focusable=focusable).whole(style)


def figure(picture: Picture, title: str, name: str) -> str:
    """The `<svg>` element for a page that has several, and `STYLE` once.

    Its ids begin with `name`. The title, and all of a step that is cut, are the page's
    business.
    """
    return _Drawing(picture, title, name, plain=True).whole("")


class _Drawing:
    def __init__(
        self,
        picture: Picture,
        title: str,
        name: str,
        *,
        focusable: bool = False,
        plain: bool = False,
    ) -> None:
        self._picture = picture
        self._title = title
        self._name = name
        self._focusable = focusable
        self._plain = plain
        self._lanes = {lane.pid: lane for lane in picture.lanes}
        steps = [row for row in picture.rows if isinstance(row, Step)]
        digits = max(len(str(lane.pid)) for lane in picture.lanes)
        self._tag = digits * 8 + 14
        self._beside = picture.columns > _MANY
        if self._beside:
            self._pitch = 34
        else:
            self._pitch = self._tag + (42 if picture.columns <= _ROOMY else 30)
        latest = max((step.time for step in steps), default=0.0)
        self._left = max(_LEFT, int(len(f"{latest:.3f} s") * _CHARACTER) + 24)
        self._words_at = self._left + picture.columns * self._pitch + 14
        if self._beside:
            self._words_at += max(self._tag - self._pitch // 2, 0)
        longest = max((len(_shown(step)) for step in steps), default=0)
        words = self._words_at + int(longest * _CHARACTER) + 20
        self._width = max(
            words, 0 if plain else int(len(self._under()) * 6.9) + 40, 420
        )
        self._top = 12 if plain else 12 + _HEAD
        self._foot = self._top + len(picture.rows) * _ROW + 22

    def whole(self, style: str) -> str:
        legend, lines = self._legend()
        height = self._foot + lines * 22 + 4
        role = "group" if self._focusable else "img"
        name, size = self._name, f'width="{self._width}" height="{height}"'
        parts = [
            (
                '<svg xmlns="http://www.w3.org/2000/svg" class="picture" '
                f'role="{role}" aria-labelledby="{name}-title {name}-desc" {size} '
                f'viewBox="0 0 {self._width} {height}">'
            ),
            f'<title id="{name}-title">{_text(self._title)}</title>',
            f'<desc id="{name}-desc">{_text(self._description())}</desc>',
            f"<style>{style}</style>" if style else "",
            *([] if self._plain else self._headline(size)),
            self._rules(),
            *self._spans(),
            self._pending(),
            *self._arrows(),
            self._breaks(),
            *self._marks(),
            *self._tags(),
            self._labels(),
            self._times(),
            '<g class="steps mono">',
            *[self._row(n, row) for n, row in enumerate(self._picture.rows)],
            "</g>",
            *legend,
            "</svg>",
        ]
        return "\n".join(part for part in parts if part) + "\n"

    # --- words ---

    def _headline(self, size: str) -> list[str]:
        return [
            f'<rect class="paper" {size}/>',
            f'<text class="head" x="20" y="30">{_text(self._title)}</text>',
            f'<text class="soft" x="20" y="49">{_text(self._under())}</text>',
        ]

    def _under(self) -> str:
        many = self._picture.processes
        return (
            f"{many} process{'' if many == 1 else 'es'}, "
            f"{seconds(self._picture.duration)} of virtual time, which runs downwards "
            f"and not to scale; {self._picture.order}"
        )

    def _description(self) -> str:
        """The whole picture for those who do not see it, in order."""
        told = [
            f"{step.pid} {step.text}"
            for step in self._picture.rows
            if isinstance(step, Step)
        ]
        if len(told) > 60:
            left = len(told) - 60
            told = [*told[:40], f"{left} more steps", *told[-20:]]
        return f"{self._under()}. {'. '.join(told)}."

    # --- places ---

    def _x(self, pid: int) -> float:
        return self._left + (self._lanes[pid].column + 0.5) * self._pitch

    def _y(self, row: int) -> int:
        return self._top + row * _ROW + _ROW // 2

    # --- parts ---

    def _rules(self) -> str:
        left, right = self._left - 4, self._words_at - 8
        return _path(
            "rule",
            [
                f"M{left} {self._y(n)}H{right}"
                for n, row in enumerate(self._picture.rows)
                if isinstance(row, Step)
            ],
        )

    def _spans(self) -> list[str]:
        drawn: defaultdict[State, list[str]] = defaultdict(list)
        spans = self._picture.spans
        for span, following in zip(spans, [*spans[1:], None], strict=True):
            lane = self._lanes[span.pid]
            x, top = self._x(span.pid), self._y(span.first)
            # As far as the next one begins, or to the lane's last step.
            goes_on = following is not None and following.pid == span.pid
            bottom = self._y(following.first if following and goes_on else lane.last)
            if bottom == top or not lane.seen:
                continue
            drawn[span.state].append(
                f"M{x - 5:g} {top}h10V{bottom}h-10z"
                if span.state is State.ZOMBIE
                else f"M{x:g} {top}V{bottom}"
            )
        hatch = f"{self._name}-hatch"
        return [
            _pattern(hatch) if State.ZOMBIE in drawn else "",
            *[
                _path(
                    state.value,
                    places,
                    f' fill="url(#{hatch})"' if state is State.ZOMBIE else "",
                )
                for state, places in drawn.items()
            ],
        ]

    def _pending(self) -> str:
        return _path(
            "pending",
            [
                f"M{self._x(one.pid) - 10:g} {self._y(one.first)}V{self._y(one.last)}"
                for one in self._picture.pending
                if self._lanes[one.pid].seen
            ],
        )

    def _tags(self) -> list[str]:
        """The pids, each where its lane begins."""
        begin: dict[tuple[int, int], list[Lane]] = {}
        for lane in self._picture.lanes:
            if lane.seen:
                begin.setdefault((lane.column, lane.first), []).append(lane)
        parts = []
        for (_, row), lanes in begin.items():
            x, y = self._x(lanes[0].pid), self._y(row) - 10
            wrong = ' class="culprit"' if any(lane.culprit for lane in lanes) else ""
            pids = ", ".join(str(lane.pid) for lane in lanes)
            # Of several in a column that is shared only the number has room.
            one = len(lanes) == 1
            text, title = (pids, "") if one else (f"({len(lanes)})", _title(pids))
            left = x - 6 if self._beside else x - self._tag / 2
            parts.append(
                f'<g{wrong}>{title}<rect class="tag" x="{left:g}" y="{y}" '
                f'width="{self._tag}" height="20" rx="5"/><text class="pid mono" '
                f'x="{left + self._tag / 2:g}" y="{y + 14}">{text}</text></g>'
            )
        return parts

    def _ends_of(self, arrow: Arrow) -> tuple[float, float, float] | None:
        """Where an arrow's line begins and ends, and its tip is; None: it has none."""
        source, target = self._lanes[arrow.source], self._lanes[arrow.target]
        start, end = self._x(arrow.source), self._x(arrow.target)
        if start == end or not (source.seen and target.seen):
            return None
        towards = 1 if end > start else -1
        # A lane that begins has its pid there, and so has the first one.
        stop = 6.0
        if arrow.row == target.first and not (self._beside and towards > 0):
            stop = self._tag - 6 if self._beside else self._tag / 2
        tip = end - towards * stop
        return start, tip - towards * 8, tip

    def _arrows(self) -> list[str]:
        lines: defaultdict[str, list[str]] = defaultdict(list)
        tips: defaultdict[str, list[str]] = defaultdict(list)
        for arrow in self._picture.arrows:
            if not (ends := self._ends_of(arrow)):
                continue
            start, back, tip = ends
            top, bottom = self._y(arrow.sent), self._y(arrow.row)
            towards = 1 if tip > start else -1
            link = arrow.link.value
            level = f"H{back:g}" if top == bottom else f"L{back:g} {bottom}"
            lines[link].append(f"M{start:g} {top}{level}")
            kind = f"{link} merged" if arrow.merged else link
            tips[kind].append(f"M{tip:g} {bottom}l{-9 * towards} -4.5v9z")
        return [
            *[_path(f"arrow {link}", places) for link, places in lines.items()],
            *[_path(f"tip {kind}", places) for kind, places in tips.items()],
        ]

    def _labels(self) -> str:
        """Bytes and signals on their arrows, and files beside what touches them."""
        labels = []
        for arrow in self._picture.arrows:
            ends = self._ends_of(arrow)
            if arrow.link is Link.COLLECT or not ends or self._beside:
                continue
            start, back, _ = ends
            top, bottom = self._y(arrow.sent), self._y(arrow.row)
            room = abs(start - back) - 10
            if 0 < len(arrow.label) * _SMALL < room:
                # Beside its sender: a long arrow crosses other lanes in its middle.
                part = (
                    0.5 if room < self._pitch else self._pitch / 2 / abs(start - back)
                )
                middle = start + (back - start) * part
                height = top + (bottom - top) * part - 5
                labels.append(_at(middle, height, _text(arrow.label)))
        room = int((self._pitch - 16) / _SMALL)
        for number, row in enumerate(self._picture.rows):
            if isinstance(row, Step) and row.file and not self._beside:
                text = one_line(row.file)
                cut = text if len(text) <= room else text[: room - 1] + "…"
                # Beside the last lane are the words.
                last = self._lanes[row.pid].column == self._picture.columns - 1 > 0
                x = self._x(row.pid) + (-9 if last else 9)
                side = "file last" if last else "file"
                labels.append(_at(x, self._y(number) + 4, _text(cut), side))
        return f'<g class="label mono">{"".join(labels)}</g>' if labels else ""

    def _breaks(self) -> str:
        """The lanes are broken where time or steps are."""
        left, width = self._left - 4, self._words_at - self._left - 4
        return _path(
            "paper",
            [
                f"M{left} {self._y(n) - 4}h{width}v3h-{width}zm0 5h{width}v3h-{width}z"
                for n, row in enumerate(self._picture.rows)
                if not isinstance(row, Step)
            ],
        )

    def _marks(self) -> list[str]:
        places: defaultdict[str, list[str]] = defaultdict(list)
        for number, row in enumerate(self._picture.rows):
            if isinstance(row, Step) and (mark := self._mark(number, row)):
                at = f"M{self._x(row.pid):g} {self._y(number)}"
                places[mark].append(at + _MARKS[mark])
        return [
            _path("ends" if mark == "blamed" else mark, those)
            for mark, those in places.items()
        ]

    def _mark(self, number: int, step: Step) -> str:
        lane = self._lanes[step.pid]
        if lane.first == number or not lane.seen:
            return ""  # its pid stands there, or its end alone is told
        if step.kind is Kind.LAST:
            return "blamed" if step.culprit else ""
        return _MARKED.get(step.kind, "does")

    def _times(self) -> str:
        """When the steps are, where it is not when the one before it is."""
        times, before = [], ""
        for number, row in enumerate(self._picture.rows):
            time = f"{row.time:.3f} s" if isinstance(row, Step) else ""
            if time and time != before:
                times.append(_at(self._left - 12, self._y(number) + 4, time))
            before = time
        return f'<g class="time mono">{"".join(times)}</g>'

    def _row(self, number: int, row: Row) -> str:
        y = self._y(number) + 4
        if isinstance(row, Step):
            return self._step(row, y)
        text = (
            f"{seconds(row.seconds)} pass"
            if isinstance(row, Gap)
            else left_out(row.steps, row.processes)
        )
        return _at(self._words_at, y, f"… {text} …", "gap")

    def _step(self, row: Step, y: int) -> str:
        said = _at(
            self._words_at,
            y,
            f"<tspan>{row.pid}</tspan> {_text(_shown(row)[len(str(row.pid)) + 1 :])}",
            "culprit" if row.culprit else "",
        )
        if self._plain:
            return said
        label = f"{row.time:.3f} s: {row.pid} {one_line(row.words)}"
        line = f' data-line="{row.line}"' if row.line is not None else ""
        if row.line is not None:
            label += f" (line {row.line})"
        focus = (
            f' tabindex="0" role="img" aria-label="{_text(label)}"'
            if self._focusable
            else ""
        )
        return (
            f'<g class="step"{focus}{line}>{_title(label)}<rect class="hit" x="8" '
            f'y="{y - 4 - _ROW // 2}" width="{self._width - 16}" height="{_ROW}" '
            f'rx="4"/>{said}</g>'
        )

    def _legend(self) -> tuple[list[str], int]:
        """What the lines and marks are, and how many lines of it there are."""
        picture = self._picture
        states = {span.state for span in picture.spans}
        arrows = {(a.link, a.merged) for a in picture.arrows if self._ends_of(a)}
        marks = {
            self._mark(n, row)
            for n, row in enumerate(picture.rows)
            if isinstance(row, Step)
        }
        items: list[tuple[str, str]] = []
        for state in State:
            if state is State.ZOMBIE and state in states:
                fill = f' fill="url(#{self._name}-hatch)"'
                items.append((_path("zombie", ["M0 -5h26v10h-26z"], fill), state.value))
            elif state in states:
                items.append((_path(state.value, ["M0 0H26"]), state.value))
        items += [
            (_path(mark, [f"M13 0{_MARKS[mark]}"]), words)
            for kind, words in MARKS.items()
            if (mark := _MARKED[kind]) in marks
        ]
        for link in Link:
            for merged in (False, True):
                if (link, merged) not in arrows:
                    continue
                line = _path(f"arrow {link.value}", ["M0 0H18"])
                more = " merged" if merged else ""
                tip = _path(f"tip {link.value}{more}", ["M27 0l-9 -4.5v9z"])
                words = MERGED if merged else link.words
                items.append((line + tip, words))
        if picture.pending:
            items.append((_path("pending", ["M0 0H26"]), "signal pending"))
        if any(lane.culprit for lane in picture.lanes):
            tag = '<rect class="tag" y="-7" width="26" height="14" rx="4"/>'
            items.append((f'<g class="culprit">{tag}</g>', "look here first"))
        parts, x, line_number = [], 20, 0
        for sample, words in items:
            width = 34 + len(words) * 7 + 18
            if x + width > self._width and x > 20:
                x, line_number = 20, line_number + 1
            y = self._foot + line_number * 22
            parts.append(
                f'<g transform="translate({x} {y})">{sample}{_at(34, 4, words)}</g>'
            )
            x += width
        lines = line_number + 1
        if picture.shared is not None:
            words = (
                "There are more processes than columns: the last column shows several "
                "at a time."
            )
            parts.append(_at(20, self._foot + lines * 22 + 4, words))
            lines += 1
        return parts, lines


def _shown(step: Step) -> str:
    """A step's pid and words, as far as they are shown."""
    words = f"{step.pid} {one_line(step.words)}"
    return words if len(words) <= _WORDS else words[: _WORDS - 1] + "…"


def _path(kind: str, places: list[str], more: str = "") -> str:
    return f'<path class="{kind}"{more} d="{"".join(places)}"/>' if places else ""


def _at(x: float, y: float, text: str, kind: str = "") -> str:
    """Text that is escaped already, at its place."""
    mark = f' class="{kind}"' if kind else ""
    return f'<text{mark} x="{x:g}" y="{y:g}">{text}</text>'


def _title(text: str) -> str:
    return f"<title>{_text(text)}</title>"


def _pattern(name: str) -> str:
    return (
        f'<defs><pattern id="{name}" width="6" height="6" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path class="hatch" d="M0 0V6"/></pattern></defs>'
    )


def _text(text: str) -> str:
    return escape(xml_text(text))
