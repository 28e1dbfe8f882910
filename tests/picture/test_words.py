"""What of a submission's is written in a picture, and how."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.picture.words import plain, quoted, seconds


@pytest.mark.parametrize(
    "data, said",
    [
        (b"1\n", r'"1\n"'),
        (b'say "hi"', r'"say \"hi\""'),
        (b"\xff\x1b[31m", r'"\xff\x1b[31m"'),
        (rb"\xff", r'"\\xff"'),
        ("ä\u202e".encode(), r'"\xe4\u202e"'),
        (b"x" * 121, '"' + "x" * 120 + '"...'),
    ],
)
def test_bytes(data: bytes, said: str) -> None:
    """As in a program; what is a backslash, and what a byte, can be told apart."""
    assert quoted(data) == said


def test_the_colours_of_an_error_are_left_out() -> None:
    """Of which Python's tracebacks are full; whatever else acts is told."""
    error = b"\x1b[1;35mValueError\x1b[0m: \x1b[2J"
    assert quoted(error, colours=False) == r'"ValueError: \x1b[2J"'


@given(st.binary(max_size=200), st.text(max_size=200))
def test_nothing_acts(data: bytes, text: str) -> None:
    """Whatever it is, it is ASCII that prints."""
    for said in (quoted(data), plain(text)):
        assert said.isascii()
        assert said.isprintable()


@pytest.mark.parametrize(
    "duration, said", [(0.5, "0.5 s"), (3.0, "3 s"), (0.01, "0.01 s"), (10, "10 s")]
)
def test_durations(duration: float, said: str) -> None:
    """Without zeros that say nothing, and with those that do."""
    assert seconds(duration) == said
