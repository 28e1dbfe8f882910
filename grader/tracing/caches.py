"""What an interpreter writes into its code, which says nothing of its program's state.

The instructions of a function are the same as long as it lives. But beside them an
interpreter counts down to when it tries to replace one by another that does the same
faster, keeps what that one needs, and puts it in its place: PEP 659. So two states of a
process that differ in nothing but that lead to the same, and a loop in which some
comparison can never be made faster, say, counts for thousands of rounds.

The memory is read as `lines` reads it. Only what a code object reaches is taken for
one's instructions: the header that stands before them is looked for, and has to be that
of an object in use.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from types import CodeType

from grader.tracing.lines import Interpreter, Read

# What stands before the instructions in a code object, and how long each of them is, in
# bytes: no release lays them out otherwise.
_HEADER = CodeType.__basicsize__
_UNIT = CodeType.__itemsize__

# References, a type, and how many instructions there are.
_BEGINNING = struct.Struct("=QQQ")
_ALIGNED = 8

# How far from its code object's beginning an instruction is found at most, in bytes.
_FARTHEST = 1 << 16

# More references than this has nothing, but for what lives for ever, PEP 683; where an
# object was is an address.
_MOST_REFERENCES = 1 << 33

# In so many places two states differ at most before they are taken for different ones.
_MOST_PLACES = 64

# Pieces of memory are compared in steps down to a word, in bytes.
_STEPS = (1 << 12, 1 << 6, 1)


class Caches:
    """Knows an interpreter's own notes in the memory of its forks."""

    def __init__(self, interpreter: Callable[[], Interpreter]) -> None:
        """`interpreter` is asked for its addresses when they are first needed."""
        self._interpreter = interpreter

    def explain(
        self, read: Read, address: int, then: memoryview[int], now: bytearray
    ) -> bool:
        """Whether a piece of memory is as it was `then`, but for such notes."""
        begin = end = 0
        for count, place in enumerate(differences(bytes(then), bytes(now))):
            if count == _MOST_PLACES:
                return False
            if not begin <= address + place < end:
                begin, end = self._instructions(read, address + place)
                if not begin <= address + place < end:
                    return False
        return True

    def _instructions(self, read: Read, address: int) -> tuple[int, int]:
        """Where those of a code object begin and end around an address; 0, 0 if none.

        They are those of the last one that begins before it.
        """
        type_of_code = self._interpreter().code_type.to_bytes(8, "little")
        first = address - _FARTHEST
        data = read(first, _FARTHEST)
        while not data and first < address:  # what is before them is not mapped
            first = (first | 0xFFF) + 1
            data = read(first, address - first) if first < address else b""
        place = len(data)
        while (place := data.rfind(type_of_code, 0, place)) >= _ALIGNED:
            if (first + place) % _ALIGNED:
                continue
            begin = place - _ALIGNED
            if begin + _BEGINNING.size > len(data):
                continue
            references, _, length = _BEGINNING.unpack_from(data, begin)
            if not 0 < references < _MOST_REFERENCES:
                return 0, 0
            instructions = first + begin + _HEADER
            return instructions, instructions + length * _UNIT
        return 0, 0


def differences(one: bytes, other: bytes) -> Iterator[int]:
    """The bytes in which two pieces of memory of the same size differ: their places."""
    pieces = [0]
    size = len(one)
    for step in _STEPS:
        pieces = [
            place
            for piece in pieces
            for place in range(piece, min(piece + size, len(one)), step)
            if one[place : place + step] != other[place : place + step]
        ]
        size = step
    yield from pieces
