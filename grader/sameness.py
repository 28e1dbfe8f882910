"""What tells a value from others, where another process has to know it again."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from os import PathLike, fspath
from types import BuiltinFunctionType, FunctionType

_PLAIN = (bool, int, float, complex, str, bytes, Enum, type(None))


def described(value: object) -> object:
    """Something whose ``repr`` is the same for what is the same, and only for that.

    A function is told by where it is written and by all that it was made with: what
    its defaults and the variables around it hold.

    Raises ``ValueError`` where nothing is known that would tell it from others.
    """
    try:
        return _described(value)
    except RecursionError as error:
        raise ValueError("it holds itself") from error


def _described(value: object) -> object:
    kind = type(value).__qualname__
    match value:
        case FunctionType():
            around = [cell.cell_contents for cell in value.__closure__ or ()]
            made_with = around, value.__defaults__, value.__kwdefaults__
            # Of two lambdas on one line all but the code is the same.
            code = value.__code__
            place = code.co_filename, code.co_firstlineno, [*code.co_positions()]
            return value.__module__, value.__qualname__, place, _described(made_with)
        case BuiltinFunctionType() | type():
            return kind, value.__module__, value.__qualname__
        case partial():
            return kind, _described((value.func, value.args, value.keywords))
        case tuple() | list():
            return kind, [_described(part) for part in value]
        case set() | frozenset():
            return kind, sorted(repr(_described(part)) for part in value)
        case dict():
            return kind, sorted(repr(_described(item)) for item in value.items())
        case PathLike():
            return kind, fspath(value)
        case _ if isinstance(value, _PLAIN):
            return kind, repr(value)
        case _ if is_dataclass(value):
            parts = [getattr(value, part.name) for part in fields(value)]
            return kind, _described(parts)
    raise ValueError(f"what tells one {kind} from another is not known")
