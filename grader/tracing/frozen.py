"""Making frozen dataclasses as fast as open ones.

A frozen class sets its own fields by a detour, and what dataclasses with slots do for
pickle(3) asks for them again for each object. A recording has thousands of events, and
is handed on as often as checks look at it. So an object is made as one of an open class
that is laid out the same, and is of the frozen one from then on.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from dataclasses import MISSING, Field, field, fields, make_dataclass
from functools import partial
from operator import attrgetter
from typing import Any

_opened: dict[type[Any], type[Any]] = {}
_handed_on: list[type[Any]] = []


def opened(kind: type[Any]) -> type[Any]:
    """A class whose objects become some of `kind` once that is their ``__class__``.

    It takes the same arguments, also without their names, in the order of `_parts`.
    """
    found = _opened.get(kind)
    if found is None:
        found = _opened[kind] = _open_twin(kind)
    return found


def _open_twin(kind: type[Any]) -> type[Any]:
    parts = [(part.name, object, field(default=part.default)) for part in _parts(kind)]
    members = {
        "__slots__": (),
        "__init__": vars(_plain_dataclass(kind.__name__, parts))["__init__"],
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,  # with it the former is as fast as can be
    }
    return type(kind.__name__, (kind,), members)


# What else a dataclass has is of no use here, and takes longer to make.
_plain_dataclass = partial(
    make_dataclass,
    repr=False,
    eq=False,
    match_args=False,
    namespace={"__doc__": "Without a text, one is made of the signature."},
)


def hand_on_fast(*kinds: type[Any]) -> None:
    """From now on pickle objects of these classes by their fields, two at least."""
    for kind in kinds:
        values = attrgetter(*(part.name for part in _parts(kind)))
        copyreg.pickle(kind, _reducer(kind, values))
        _handed_on.append(kind)


def open_all() -> None:
    """Make the open classes of all that are handed on fast.

    Done before processes are forked, it is not done in each of them.
    """
    for kind in _handed_on:
        opened(kind)


def _parts(kind: type[Any]) -> list[Field[Any]]:
    """The fields of a dataclass, those without a default first."""
    return sorted(fields(kind), key=lambda part: part.default is not MISSING)


def _reducer(
    kind: type[Any], values: Callable[[object], tuple[object, ...]]
) -> Callable[[object], tuple[Callable[..., object], tuple[object, ...]]]:
    return lambda known: (_made, (kind, *values(known)))


def _made(kind: type[Any], *values: object) -> object:
    made = opened(kind)(*values)
    made.__class__ = kind
    return made
