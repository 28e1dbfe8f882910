"""What all commands of ``grade`` share: exit statuses, and kinds of arguments."""

from __future__ import annotations

import argparse
from decimal import Decimal, InvalidOperation
from pathlib import Path

# FULL is also that of a command that did what it was asked.
FULL, NOT_FULL, WRONG_USAGE, GRADER_FAILED = 0, 1, 2, 3

_MOST = 1_000_000


def named_path(text: str) -> Path:
    """A file or a folder."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; name a file or a folder")
    return Path(text)


def is_path(kind: object) -> bool:
    """Whether a kind of argument names a file or a folder: one that makes paths."""
    made = getattr(kind, "__annotations__", {}).get("return")
    return kind is Path or made in (Path, "Path")


def positive(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def number(text: str) -> Decimal | None:
    """A number that is not negative; None where it is none, or too large to mean."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 <= found <= _MOST else None


def seconds(text: str) -> float:
    """A time above 0, in seconds."""
    found = number(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return float(found)


def percentage(text: str) -> Decimal:
    """A number from 0 to 100."""
    found = number(text)
    if found is None or found > 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 100")
    return found
