"""What an interpreter notes in its code is told from what a program keeps."""

from __future__ import annotations

import os
from types import CodeType

import pytest

from grader.tracing import ptrace
from grader.tracing.caches import Caches, differences
from grader.tracing.lines import interpreter


def rests(data: bytes) -> bool:
    """Its instructions are looked at, and never made."""
    lines = data.split(b"\n")
    return data + data == data * 2 and len(lines) > 2 and lines[0] + lines[1] == data


_BEGIN = id(rests.__code__) + CodeType.__basicsize__
_END = _BEGIN + CodeType.__itemsize__ * (len(rests.__code__.co_code) // 2)


def _explains(address: int, place: int, size: int = 64) -> bool:
    """Whether a change in a piece of this process's memory is no more than a note."""

    def read(address: int, size: int) -> bytes:
        return ptrace.read_memory(os.getpid(), address, size)

    then = read(address, size)
    now = bytearray(then)
    now[place] ^= 0xF0
    return Caches(interpreter).explain(read, address, memoryview(then), now)


@pytest.mark.parametrize("place", [_BEGIN, _BEGIN + 5, _END - 1])
def test_instructions_are_the_interpreters_own(place: int) -> None:
    """It replaces them, and counts beside them, as it likes."""
    assert _explains(place & -8, place & 7)


@pytest.mark.parametrize("place", [_BEGIN - 1, id(rests.__code__), _END])
def test_what_lies_around_them_is_not(place: int) -> None:
    """Nor is what comes before and after them in their code object."""
    assert not _explains(place & -8, place & 7, size=8)


def test_what_a_program_keeps_is_not() -> None:
    """Though code lies before it in memory."""
    kept = [bytes([n]) * 100 for n in range(50)]
    assert not any(_explains(id(one) + 40, 8) for one in kept)


def test_too_many_changes_are_another_state() -> None:
    """Also where all of them are in code."""
    size = 80
    assert size < _END - _BEGIN

    def read(address: int, size: int) -> bytes:
        return ptrace.read_memory(os.getpid(), address, size)

    then = read(_BEGIN, size)
    now = bytearray(byte ^ 0xFF for byte in then)
    assert not Caches(interpreter).explain(read, _BEGIN, memoryview(then), now)


def test_differences_are_found_byte_by_byte() -> None:
    """In pieces of memory that are no whole number of steps long, too."""
    then = bytes(9999)
    now = bytearray(then)
    places = [0, 63, 64, 4095, 4096, 8191, 9998]
    for place in places:
        now[place] = 1
    assert [*differences(then, then)] == []
    assert [*differences(then, bytes(now))] == places
