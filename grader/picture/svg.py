"""A picture -> SVG: text that can be selected, no script, nothing from elsewhere.

Everything of a submission's passes through `_text`, which leaves nothing that XML
cannot hold or that acts.
"""

from __future__ import annotations

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
from grader.picture.words import Kind, left_out, seconds
from grader.report.text import one_line, xml_text

_ROW = 24  # units between rows, of which one is a CSS pixel
_TOP = 78
_LEFT = 92  # where the lanes begin, at least: the times stand before it
_CHARACTER = 7.3  # of the monospace font, at 12 pixels
_WORDS = 72  # characters of a step that are shown; its title has all

STYLE = """\
.picture{--paper:#fdfcf9;--ink:#1d1f21;--soft:#55585c;--rule:#e6e2d8;\
--runs:#2f6690;--blocked:#7d8287;--zombie:#a63d40;--stopped:#7a5300;\
--fork:#2f6690;--collect:#1f6b4f;--data:#1b4f80;--signal:#8a4b00;--bad:#a02c2f;\
--badpaper:#fbe9e7;font-family:"Source Sans 3","Noto Sans",system-ui,"DejaVu Sans",\
sans-serif;font-size:13px}
@media(prefers-color-scheme:dark){.picture{--paper:#17191b;--ink:#e4e2dc;\
--soft:#a9a8a2;--rule:#2d3134;--runs:#6fa8d6;--blocked:#8d9297;--zombie:#d9686b;\
--stopped:#e3b867;--fork:#6fa8d6;--collect:#7fcfa8;--data:#8fc1ec;--signal:#e3a567;\
--bad:#f09a9c;--badpaper:#3a2324}}
.picture .paper{fill:var(--paper)}
.picture text{fill:var(--ink);unicode-bidi:isolate}
.picture .mono{font:12px ui-monospace,"SF Mono","Cascadia Mono","DejaVu Sans Mono",\
Menlo,monospace}
.picture .soft,.picture .time,.picture .gap{fill:var(--soft)}
.picture .head{font-size:17px;font-weight:600}
.picture .pid{font-weight:600;text-anchor:middle}
.picture .time{text-anchor:end}
.picture .rule{stroke:var(--rule);stroke-width:1}
.picture .runs{stroke:var(--runs);stroke-width:6}
.picture .blocked{stroke:var(--blocked);stroke-width:1.5}
.picture .stopped{stroke:var(--stopped);stroke-width:3;stroke-dasharray:3 3}
.picture .zombie{fill:url(#hatch);stroke:var(--zombie);stroke-width:1}
.picture .hatch{stroke:var(--zombie);stroke-width:2}
.picture .tag{fill:var(--paper);stroke:var(--runs);stroke-width:1.2}
.picture .culprit .tag{fill:var(--badpaper);stroke:var(--bad);stroke-width:2.2}
.picture .culprit .pid,.picture .step.culprit text{fill:var(--bad);font-weight:600}
.picture .pending{stroke:var(--signal);stroke-width:2;stroke-dasharray:1.5 3;fill:none}
.picture .arrow{fill:none;stroke-width:1.6}
.picture .arrow.fork{stroke:var(--fork);stroke-width:2.2}
.picture .arrow.collect{stroke:var(--collect)}
.picture .arrow.data{stroke:var(--data);stroke-width:2.2}
.picture .arrow.signal{stroke:var(--signal);stroke-dasharray:5 3}
.picture .tip.fork{fill:var(--fork)}
.picture .tip.collect{fill:var(--collect)}
.picture .tip.data{fill:var(--data)}
.picture .tip.signal{fill:var(--signal)}
.picture .label{font-size:11px;text-anchor:middle;paint-order:stroke;\
stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.picture .mark{fill:var(--paper);stroke:var(--ink);stroke-width:1.6}
.picture .mark.does{fill:var(--ink)}
.picture .mark.handle{fill:var(--signal);stroke:var(--signal)}
.picture .mark.bad{stroke:var(--bad);stroke-width:2.4;fill:none}
.picture .hit{fill:transparent}
.picture .step:hover .hit,.picture .step:focus .hit{fill:var(--runs);fill-opacity:.14}
.picture .step:focus{outline:none}
.picture .step:focus .hit{stroke:var(--runs);stroke-width:1.5}
"""


def svg(picture: Picture, title: str) -> str:
    """The picture as a file of its own."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + drawing(
        picture, title, style=STYLE
    )


def drawing(
    picture: Picture, title: str, *, style: str = "", focusable: bool = False
) -> str:
    """The `<svg>` element alone; `focusable` lets the keyboard go from step to step."""
    return _Drawing(picture, title, focusable).whole(style)


class _Drawing:
    def __init__(self, picture: Picture, title: str, focusable: bool) -> None:
        self._picture = picture
        self._title = title
        self._focusable = focusable
        digits = max(len(str(lane.pid)) for lane in picture.lanes)
        self._tag = digits * 8 + 14
        self._pitch = self._tag + (42 if picture.columns <= 8 else 8)
        latest = max(
            (row.time for row in picture.rows if isinstance(row, Step)), default=0.0
        )
        self._left = max(_LEFT, int(len(f"{latest:.3f} s") * _CHARACTER) + 34)
        self._words_at = self._left + picture.columns * self._pitch + 18
        self._width = int(self._words_at + (_WORDS + 2) * _CHARACTER + 16)
        self._foot = _TOP + len(picture.rows) * _ROW + 26
        self._lanes = {lane.pid: lane for lane in picture.lanes}

    def whole(self, style: str) -> str:
        legend, lines = self._legend()
        height = self._foot + lines * 24 + 14
        role = 'role="group"' if self._focusable else 'role="img"'
        parts = [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {role} '
                f'aria-labelledby="picture-title picture-desc" width="{self._width}" '
                f'height="{height}" viewBox="0 0 {self._width} {height}">'
            ),
            f'<title id="picture-title">{_text(self._title)}</title>',
            f'<desc id="picture-desc">{_text(self._description())}</desc>',
            f"<style>{style}</style>" if style else "",
            (
                '<defs><pattern id="hatch" width="6" height="6" '
                'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
                '<path class="hatch" d="M0 0V6"/></pattern></defs>'
            ),
            f'<rect class="paper" width="{self._width}" height="{height}"/>',
            f'<text class="head" x="20" y="30">{_text(self._title)}</text>',
            f'<text class="soft" x="20" y="49">{_text(self._under())}</text>',
            *self._rules(),
            *self._spans(),
            *self._pending(),
            *[self._arrow(arrow) for arrow in self._picture.arrows],
            *self._breaks(),
            *self._tags(),
            *[self._row(n, row) for n, row in enumerate(self._picture.rows)],
            *legend,
            "</svg>",
        ]
        return "\n".join(part for part in parts if part) + "\n"

    # --- words ---

    def _under(self) -> str:
        many = len(self._picture.lanes)
        return (
            f"{many} process{'' if many == 1 else 'es'}, "
            f"{seconds(self._picture.duration)} of virtual time, which runs downwards "
            f"and not to scale; schedule {self._picture.schedule}"
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
        return _TOP + row * _ROW + _ROW // 2

    # --- parts ---

    def _rules(self) -> list[str]:
        end = self._words_at - 8
        return [
            f'<path class="rule" d="M{self._left - 4} {self._y(n)}H{end}"/>'
            for n, row in enumerate(self._picture.rows)
            if isinstance(row, Step)
        ]

    def _spans(self) -> list[str]:
        parts = []
        spans = self._picture.spans
        for span, following in zip(spans, [*spans[1:], None], strict=True):
            lane = self._lanes[span.pid]
            x, top = self._x(span.pid), self._y(span.first)
            # As far as the next one begins, or to the lane's last step.
            goes_on = following is not None and following.pid == span.pid
            bottom = self._y(following.first if following and goes_on else lane.last)
            if bottom == top or not lane.seen:
                continue
            said = f"<title>{span.pid}: {span.state.value}</title>"
            parts.append(
                f'<rect class="zombie" x="{x - 5}" y="{top}" width="10" '
                f'height="{bottom - top}">{said}</rect>'
                if span.state is State.ZOMBIE
                else f'<path class="{span.state.value}" d="M{x} {top}V{bottom}">'
                f"{said}</path>"
            )
        return parts

    def _pending(self) -> list[str]:
        return [
            f'<path class="pending" d="M{self._x(one.pid) - 10} {self._y(one.first)}'
            f'V{self._y(one.last)}"><title>{_text(one.signal)} is pending in '
            f"{one.pid}</title></path>"
            for one in self._picture.pending
        ]

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
            text = pids if len(lanes) == 1 else f"({len(lanes)})"
            parts.append(
                f'<g{wrong}><title>{pids}</title><rect class="tag" '
                f'x="{x - self._tag / 2}" y="{y}" width="{self._tag}" height="20" '
                f'rx="5"/><text class="pid mono" x="{x}" y="{y + 14}">{text}</text></g>'
            )
        return parts

    def _arrow(self, arrow: Arrow) -> str:
        source = self._lanes[arrow.source]
        target = self._lanes[arrow.target]
        start, end = self._x(arrow.source), self._x(arrow.target)
        if start == end or not (source.seen and target.seen):
            return ""
        top, bottom = self._y(arrow.sent), self._y(arrow.row)
        towards = 1 if end > start else -1
        # A lane that begins has its pid there, and so has the first one.
        stop = self._tag / 2 if arrow.row == target.first else 6
        tip = end - towards * stop
        back = tip - towards * 8
        link = arrow.link.value
        label = ""
        room = abs(start - back) - 10
        if arrow.link is not Link.COLLECT and 0 < len(arrow.label) * 6.7 < room:
            # Beside its sender: a long arrow crosses other lanes in its middle.
            part = 0.5 if room < self._pitch else self._pitch / 2 / abs(start - back)
            middle = start + (back - start) * part
            height = top + (bottom - top) * part - 5
            label = (
                f'<text class="label mono" x="{middle:g}" y="{height:g}">'
                f"{_text(arrow.label)}</text>"
            )
        said = f"{arrow.link.words} from {arrow.source} to {arrow.target}"
        if arrow.label:
            said += f": {arrow.label}"
        return (
            f"<g><title>{_text(said)}</title>"
            f'<path class="arrow {link}" d="M{start:g} {top}L{back:g} {bottom}"/>'
            f'<path class="tip {link}" d="M{tip:g} {bottom}l{-9 * towards} -4.5v9z"/>'
            f"{label}</g>"
        )

    def _breaks(self) -> list[str]:
        """The lanes are broken where time or steps are."""
        left, width = self._left - 4, self._words_at - self._left
        return [
            f'<path class="paper" d="M{left} {self._y(n) - 4}h{width}v3h-{width}z'
            f'm0 5h{width}v3h-{width}z"/>'
            for n, row in enumerate(self._picture.rows)
            if not isinstance(row, Step)
        ]

    def _row(self, number: int, row: Row) -> str:
        if isinstance(row, Step):
            return self._step(number, row)
        text = (
            seconds(row.seconds)
            if isinstance(row, Gap)
            else left_out(row.steps, row.processes)
        )
        return (
            f'<text class="gap" x="{self._words_at}" y="{self._y(number) + 4}">'
            f"… {text} …</text>"
        )

    def _step(self, number: int, row: Step) -> str:
        y = self._y(number)
        x = self._x(row.pid)
        lane = self._lanes[row.pid]
        first = lane.first == number
        words = one_line(row.words)
        shown = words if len(words) <= _WORDS else words[: _WORDS - 1] + "…"
        focus = ' tabindex="0" role="img"' if self._focusable else ""
        line = f' data-line="{row.line}"' if row.line is not None else ""
        label = f"{row.time:.3f} s: {row.pid} {words}"
        if row.line is not None:
            label += f" (line {row.line})"
        wrong = " culprit" if row.culprit else ""
        aria = f' aria-label="{_text(label)}"' if self._focusable else ""
        before = self._picture.rows[number - 1] if number else None
        same = isinstance(before, Step) and f"{before.time:.3f}" == f"{row.time:.3f}"
        time = (
            ""
            if same
            else f'<text class="time mono" x="{self._left - 14}" y="{y + 4}">'
            f"{row.time:.3f} s</text>"
        )
        return (
            f'<g class="step{wrong}"{focus}{line}{aria}><title>{_text(label)}</title>'
            f'<rect class="hit" x="14" y="{y - _ROW // 2}" width="{self._width - 28}" '
            f'height="{_ROW}" rx="4"/>{time}'
            f"{'' if first else _mark(row, x, y)}"
            f'<text class="mono" x="{self._words_at}" y="{y + 4}">'
            f'<tspan font-weight="600">{row.pid}</tspan> {_text(shown)}</text></g>'
        )

    def _legend(self) -> tuple[list[str], int]:
        """What the lines and hatchings are, and how many lines of it there are."""
        picture = self._picture
        states = {span.state for span in picture.spans}
        links = {arrow.link for arrow in picture.arrows}
        items: list[tuple[str, str]] = []
        for state in State:
            if state not in states:
                continue
            sample = (
                '<rect class="zombie" x="0" y="-5" width="26" height="10"/>'
                if state is State.ZOMBIE
                else f'<path class="{state.value}" d="M0 0H26"/>'
            )
            items.append((sample, state.value))
        items += [
            (
                (
                    f'<path class="arrow {link.value}" d="M0 0H18"/>'
                    f'<path class="tip {link.value}" d="M27 0l-9 -4.5v9z"/>'
                ),
                link.words,
            )
            for link in Link
            if link in links
        ]
        if picture.pending:
            items.append(('<path class="pending" d="M0 0H26"/>', "signal pending"))
        if any(lane.culprit for lane in picture.lanes):
            items.append(
                (
                    (
                        '<g class="culprit"><rect class="tag" x="0" y="-7" width="26" '
                        'height="14" rx="4"/></g>'
                    ),
                    "look here first",
                )
            )
        parts, x, line = [], 24, 0
        for sample, words in items:
            width = 34 + len(words) * 7 + 26
            if x + width > self._width and x > 24:
                x, line = 24, line + 1
            y = self._foot + line * 24
            parts.append(
                f'<g transform="translate({x} {y})">{sample}'
                f'<text x="34" y="4">{words}</text></g>'
            )
            x += width
        lines = line + 1
        if picture.shared is not None:
            parts.append(
                f'<text x="24" y="{self._foot + lines * 24 + 4}">There are more '
                "processes than columns: the last column shows several at a "
                "time.</text>"
            )
            lines += 1
        return parts, lines


def _mark(step: Step, x: float, y: int) -> str:
    """What is drawn on a lane where a step is."""
    if step.kind is Kind.END:
        return f'<path class="mark bad" d="M{x - 5} {y - 5}l10 10m0 -10l-10 10"/>'
    if step.kind is Kind.WAIT:
        return f'<circle class="mark" cx="{x}" cy="{y}" r="4.5"/>'
    if step.kind is Kind.HANDLE:
        return f'<path class="mark handle" d="M{x} {y - 6}l6 6l-6 6l-6 -6z"/>'
    if step.kind is Kind.LAST:
        if step.culprit:
            return f'<circle class="mark bad" cx="{x}" cy="{y}" r="7"/>'
        return ""
    return f'<circle class="mark does" cx="{x}" cy="{y}" r="3.5"/>'


def _text(text: str) -> str:
    return escape(xml_text(text))
