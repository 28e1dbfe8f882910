"""Handing frozen dataclasses from one process to another, as fast as tuples.

What dataclasses do themselves for classes with slots, pickle(3) aside, asks for their
fields again for each object. A recording has thousands, and is handed on as often as
checks look at it.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any

_Make = Callable[..., object]


def hand_on_fast(*kinds: type[Any]) -> None:
    """From now on pickle objects of these classes by their fields, two at least."""
    for kind in kinds:
        names = [field.name for field in fields(kind)]
        values = attrgetter(*names)
        # A frozen class forbids this by its own way of setting attributes alone.
        _SETTERS[kind] = tuple(getattr(kind, name).__set__ for name in names)
        copyreg.pickle(kind, _reducer(kind, values))


_SETTERS: dict[type[Any], tuple[Callable[[object, object], None], ...]] = {}


def _reducer(
    kind: type[Any], values: Callable[[object], tuple[object, ...]]
) -> Callable[[object], tuple[_Make, tuple[object, ...]]]:
    return lambda known: (_made, (kind, *values(known)))


def _made(kind: type[Any], *values: object) -> object:
    made = object.__new__(kind)
    for set_value, value in zip(_SETTERS[kind], values, strict=True):
        set_value(made, value)
    return made
