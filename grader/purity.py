"""Whether a check can leave anything behind in the process that runs it.

What one check does must not change what the next one sees, so each has a process of
its own. To fork it costs as much as two runs of a small program, so it is not done for
checks that are made of functions and constants alone, and use nothing but what checks
are written with and the side-effect-free part of the standard library. The recordings
that they look at are copies of their own, see `shelf`.

It is a help against mistakes, not against a check that is out to break the others.
"""

from __future__ import annotations

import dis
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

_HARMLESS = frozenset(
    ("builtins", "collections", "functools", "itertools", "math", "re", "string")
)
_HARMLESS |= {"textwrap", "typing"}

# What checks are written with, and what is beneath it.
_OURS = ("grader.checking", "grader.diagnosis", "grader.tracing", "grader.verdict")

_CHANGING = frozenset(
    ("DELETE_ATTR", "DELETE_GLOBAL", "IMPORT_NAME", "STORE_ATTR", "STORE_GLOBAL")
)

# Builtin functions that reach whatever they like.
_REACHING = frozenset(
    (
        "__builtins__", "__defaults__", "__dict__", "__globals__", "__import__",
        "__kwdefaults__", "__setattr__", "breakpoint", "compile", "delattr", "eval",
        "exec", "getattr", "globals", "input", "modules", "open", "os", "setattr",
        "sys", "vars",
    )
)  # fmt: skip

_CONSTANTS = (type(None), bool, int, float, complex, str, bytes, range, Enum)


def leaves_nothing_behind(module: ModuleType) -> bool:
    """Whether nothing that the functions of a module do outlasts their call."""
    return all(
        _is_fixed(value, module.__name__)
        for name, value in vars(module).items()
        # Others are of the interpreter, or of pytest.
        if name.isidentifier() and not (name.startswith("__") and name.endswith("__"))
    )


def _is_fixed(value: object, own: str) -> bool:
    """Whether a module's global is one that is what it is."""
    if isinstance(value, FunctionType) and value.__module__ == own:
        return _is_pure(value, own)
    if isinstance(value, ModuleType):
        return _is_harmless(value.__name__)
    if isinstance(value, (FunctionType, BuiltinFunctionType, type)):
        return _is_harmless(value.__module__)
    if isinstance(value, (tuple, frozenset)):
        return all(_is_fixed(part, own) for part in value)
    if is_dataclass(value) and _is_harmless(type(value).__module__):
        parts = (getattr(value, field.name) for field in fields(value))
        return all(_is_fixed(part, own) for part in parts)
    return isinstance(value, (*_CONSTANTS, re.Pattern)) or _is_of_typing(value)


def _is_of_typing(value: object) -> bool:
    """A type variable, or another word about types, is only read."""
    return type(value).__module__ in ("typing", "types", "__future__")


def _is_harmless(module: str | None) -> bool:
    name = module or ""
    return name.partition(".")[0] in _HARMLESS or f"{name}.".startswith(
        tuple(f"{ours}." for ours in _OURS)
    )


def _is_pure(function: FunctionType, own: str) -> bool:
    defaults = [
        *(function.__defaults__ or ()),
        *(function.__kwdefaults__ or {}).values(),
    ]
    return (
        function.__closure__ is None
        and all(_is_fixed(value, own) for value in defaults)
        and all(_is_fixed(value, own) for value in vars(function).values())
        and not any(map(_changes, _codes(function.__code__)))
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of all functions within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _changes(code: CodeType) -> bool:
    return not _REACHING.isdisjoint(code.co_names) or any(
        instruction.opname in _CHANGING for instruction in dis.get_instructions(code)
    )
