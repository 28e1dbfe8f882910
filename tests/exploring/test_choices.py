"""The code of a schedule: short, and the same schedule again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.exploring.choices import TIME, Turn, decode, encode

TURNS = st.builds(Turn, st.integers(0, 1000), st.integers(0, 20)) | st.just(TIME)


@given(st.dictionaries(st.integers(0, 10_000), TURNS, max_size=20))
def test_a_code_is_its_schedule(choices: dict[int, Turn]) -> None:
    """Written down and read again."""
    code = encode(choices)
    assert decode(code) == choices
    assert code.isascii()
    assert not set(code) & set(" '\"$`\\")


def test_codes_that_people_see() -> None:
    """Processes have letters, threads beyond the first a number, time has a sign."""
    assert encode({}) == "x"
    assert encode({40: Turn(0), 12: Turn(1)}) == "x12b-40a"
    assert encode({7: Turn(26, 2)}) == "x7aa2"
    assert encode({7: TIME, 9: Turn(1)}) == "x7+-9b"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "12b",
        "x12",
        "xb",
        "x12b-",
        "x12b40a",
        "X12b",
        "x12B",
        "x+",
        "x1+2",
        "x" + "1a-" * 2,
        "x3b-2a",
        "x3b-3a",
        "x0b-1a-1+",
    ],
)
def test_what_is_no_code(code: str) -> None:
    """One sentence that shows one."""
    with pytest.raises(ValueError, match="is not the code of a schedule, such as"):
        decode(code)


def test_a_code_without_end() -> None:
    """It is not read."""
    with pytest.raises(ValueError, match="is not the code"):
        decode("x" + "-".join(["1a"] * 5000))
