"""Where the bars of a plot stand: each axis begins at zero and is linear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.classreport.statistics import Bin

_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle that stands for a number."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A value on an axis."""

    at: float
    value: int


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars over an axis of counts."""

    left: float
    top: float
    right: float
    bottom: float
    bars: list[Bar]
    ticks: list[Tick]


def step(highest: int, most: int = 4) -> int:
    """The least round distance with which `most` of them reach `highest`."""
    size = 1
    while True:
        for factor in _STEPS:
            if size * factor * most >= highest:
                return size * factor
        size *= 10


def histogram(
    bins: Sequence[Bin], highest: int, *, width: float = 320, height: float = 170
) -> Plot:
    """Counts over scores; `highest` is where the axis ends, at least."""
    left, top, right, bottom = 34.0, 18.0, width - 6, height - 34
    distance = step(max(highest, 1))
    end = distance * -(-max(highest, 1) // distance)
    scale = (bottom - top) / end
    slot = (right - left) / len(bins)
    bars = [
        Bar(
            round(left + slot * (place + 0.1), 2),
            round(bottom - one.count * scale, 2),
            round(slot * 0.8, 2),
            round(one.count * scale, 2),
            one.label,
            one.count,
        )
        for place, one in enumerate(bins)
    ]
    values = range(0, end + 1, distance)
    ticks = [Tick(round(bottom - value * scale, 2), value) for value in values]
    return Plot(left, top, right, bottom, bars, ticks)


def stacked(
    parts: Sequence[tuple[str, int]],
    whole: int,
    *,
    width: float = 600,
    height: float = 26,
) -> list[Bar]:
    """Parts side by side; `whole` of them fill the width."""
    whole = whole or 1
    bars, x = [], 0.0
    for label, count in parts:
        size = width * count / whole
        bars.append(Bar(round(x, 2), 0, round(size, 2), height, label, count))
        x += size
    return bars
