"""Signals that ask a command to end, signal(7): nothing is to be left behind.

The handlers raise, so that whatever is being done is cleaned up. But Python drops what
is raised inside some callbacks of its own, such as those of an import's locks; so what
was asked for is remembered, and `check` raises it again.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TypeVar

Event = TypeVar("Event")

_asked: int | None = None
_NOTHING = "nothing was left running"
_left = _NOTHING


class Ended(BaseException):
    """A signal other than SIGINT, whose exception is ``KeyboardInterrupt``."""

    def __init__(self, number: int) -> None:
        self.number = number


def listen() -> None:
    """Raise at SIGINT, SIGTERM and SIGHUP, where nobody else handles them."""
    global _asked, _left
    _asked, _left = None, _NOTHING
    usual = (signal.SIG_DFL, signal.default_int_handler, _end)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) in usual:
            signal.signal(number, _end)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _tell


def interrupted() -> str:
    """What there is to say where SIGINT ended a command."""
    return f"interrupted; {_left}"


@contextmanager
def telling(sentence: str) -> Iterator[None]:
    """Have `interrupted` say this, too, of what is interrupted meanwhile."""
    global _left
    try:
        yield
    except KeyboardInterrupt:
        _left = f"{_NOTHING}; {sentence}"
        raise


def heeding(callback: Callable[[Event], None]) -> Callable[[Event], None]:
    """The same callback, which first does what a signal asked for."""

    def call(event: Event) -> None:
        check()
        callback(event)

    return call


def check() -> None:
    """Raise what a signal asked for since `listen`, also if that was dropped."""
    if _asked is not None:
        _raise(_asked)


def _end(number: int, _: FrameType | None) -> None:
    global _asked
    _asked = number
    _raise(number)


def _tell(unraisable: sys.UnraisableHookArgs) -> None:
    """What is remembered needs no words when Python drops it."""
    if not isinstance(unraisable.exc_value, KeyboardInterrupt | Ended):
        sys.__unraisablehook__(unraisable)


def _raise(number: int) -> NoReturn:
    raise KeyboardInterrupt if number == signal.SIGINT else Ended(number)
