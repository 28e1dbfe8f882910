"""Which line of its program a thread is at: its Python frames, read from outside.

The thread is stopped in a system call, and its memory is read as a debugger would, so
nothing in the program changes. What is there was written by the program's interpreter,
or by a program that wants to confuse us: every address is only ever given to a read
that may fail, everything is bounded, and what looks odd is no line. A program can lie
about its lines, so they are told and never judged by; only one that spins where it spun
before, or says so, is waited for less long, see `preempting`.

The interpreter's structures are not the same in each version. `layout` knows some, and
proves on frames of its own, whose lines are known, that they are as it says.
"""

from __future__ import annotations

import _thread
import os
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from types import CodeType

from grader.tracing import ptrace

# So much of a chain is followed at most: threads, and frames of library code that the
# program called.
_MOST_THREADS = 1024
_MOST_FRAMES = 100

_LONGEST_TABLE = 1 << 16  # bytes; some ten thousand instructions
_LAST_LINE = 1 << 20

# Object headers, which no release has changed: a type, then the length of what follows.
_TYPE = 8
_LENGTH = 16
_BYTES_DATA = 32
_STATE = 32  # of a string: how its characters are stored

Read = Callable[[int, int], bytes]
"""Reads so many bytes at an address; fewer, or none, where they are not mapped."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are, in bytes: in the interpreter, a thread, a frame, a code object.

    `current` leads from a thread to its frame, pointer by pointer.
    """

    threads: int
    next_thread: int
    thread_id: int
    current: tuple[int, ...]
    code: int
    instruction: int
    previous: int
    filename: int
    linetable: int
    first_line: int
    instructions: int


_LAYOUTS = {
    (3, 11): Layout(16, 8, 152, (56, 8), 32, 56, 48, 112, 136, 72, 184),
    (3, 12): Layout(72, 8, 136, (56, 0), 0, 56, 8, 112, 136, 68, 192),
}

# From 3.13 on an interpreter says itself where they are: _Py_DebugOffsets. These are
# the places of 3.13 in it.
_DEBUG_OFFSETS = {
    (3, 13): Layout(72, 168, 192, (184,), 240, 248, 232, 280, 304, 312, 344),
}


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The addresses in an interpreter, and its forks, at which reading begins."""

    state: int
    code_type: int


def interpreter() -> Interpreter:
    """This process's own."""
    return Interpreter(ptrace.interpreter_state(), id(CodeType))


@cache
def layout() -> Layout | None:
    """The layout of this interpreter; None where it is not the one that is known."""
    known = _LAYOUTS.get(sys.version_info[:2]) or _told_layout()
    return known if known is not None and _holds(known) else None


def _told_layout() -> Layout | None:
    places = _DEBUG_OFFSETS.get(sys.version_info[:2])
    told = ptrace.debug_offsets(512) if places is not None else b""
    if places is None or not told.startswith(b"xdebugpy"):
        return None

    def at(place: int) -> int:
        return _word(told, place)

    return Layout(
        at(places.threads),
        at(places.next_thread),
        at(places.thread_id),
        tuple(at(place) for place in places.current),
        at(places.code),
        at(places.instruction),
        at(places.previous),
        at(places.filename),
        at(places.linetable),
        at(places.first_line),
        at(places.instructions),
    )


# Stands still at known places: in what the very line calls, and further in. Before
# and after some of them are instructions of other lines.
_PROBE = """
def outer(arrive, wait, arrive_and_wait):
    wait(not arrive())
    for _ in range(2):
        [
            wait(
                not arrive()
            )
        ]
    inner(arrive, wait)
    arrive_and_wait()

def inner(arrive, wait):
    def innermost(): wait(not arrive())
    return innermost(), [wait(not arrive()) for _ in "x"]
"""
_PROBE_FILE = "<forklab's own>"
_PROBE_LINES = (3, 6, 6, 14, 15, 11)


def _holds(layout: Layout) -> bool:
    """Whether lines that are known are found with that layout, in this process.

    They are those of another thread, which waits: whoever reads moves his own frames.
    """
    before = max(layout.filename, layout.linetable, layout.first_line)
    of_thread = layout.next_thread, layout.thread_id, *layout.current
    of_frame = layout.code, layout.instruction, layout.previous
    largest = max(*of_thread, *of_frame, layout.instructions)
    if before + 8 > layout.instructions or largest > 1 << 12:
        return False
    pid = os.getpid()
    lines = SourceLines(layout, interpreter(), _PROBE_FILE)
    probe: dict[str, Callable[..., object]] = {}
    exec(compile(_PROBE, _PROBE_FILE, "exec"), probe)
    arrived, on = _thread.allocate_lock(), _thread.allocate_lock()
    arrived.acquire()
    on.acquire()

    def arrive_and_wait() -> None:
        arrived.release()
        on.acquire()

    ways = arrived.release, on.acquire, arrive_and_wait
    thread = _thread.start_new_thread(probe["outer"], ways)
    # One more, so that the first that is come to is not the one that is looked for.
    over = _thread.allocate_lock()
    over.acquire()
    _thread.start_new_thread(over.acquire, ())
    found = []
    for _ in _PROBE_LINES:
        arrived.acquire()
        found.append(
            lines.line(lambda at, size: ptrace.read_memory(pid, at, size), thread)
        )
        on.release()
    over.release()
    return tuple(found) == _PROBE_LINES


class SourceLines:
    """Finds lines of the file `file` in an interpreter, and in its forks."""

    def __init__(self, layout: Layout, interpreter: Interpreter, file: str) -> None:
        """`file` is the name under which the program was compiled."""
        self._layout = layout
        self._interpreter = interpreter
        self._name = _stored(file)
        of_thread = layout.next_thread, layout.thread_id, layout.current[0]
        self._thread_size = max(of_thread) + 8
        self._frame_size = max(layout.code, layout.instruction, layout.previous) + 8

    def line(self, read: Read, thread_id: int) -> int | None:
        """The line that the thread of that pthread_self(3) is at; None: not known.

        It is that of the innermost call that stands in the file.
        """
        layout = self._layout
        frame = self._current_frame(read, thread_id)
        for _ in range(_MOST_FRAMES):
            data = read(frame, self._frame_size) if frame else b""
            if len(data) < self._frame_size:
                return None
            code = _word(data, layout.code)
            header = read(code, layout.instructions)
            if self._is_of_file(read, header):
                offset = _word(data, layout.instruction) - code - layout.instructions
                return self._line_in(read, header, offset)
            frame = _word(data, layout.previous)
        return None

    def _current_frame(self, read: Read, thread_id: int) -> int:
        """The address of a thread's innermost frame, 0 where there is none."""
        layout = self._layout
        state = _pointer(read, self._interpreter.state + layout.threads)
        for _ in range(_MOST_THREADS):
            data = read(state, self._thread_size) if state else b""
            if len(data) < self._thread_size:
                return 0
            if _word(data, layout.thread_id) == thread_id:
                frame = _word(data, layout.current[0])
                for place in layout.current[1:]:
                    frame = _pointer(read, frame + place)
                # A thread that is being made has its maker's number, and no frame.
                if frame:
                    return frame
            state = _word(data, layout.next_thread)
        return 0

    def _is_of_file(self, read: Read, header: bytes) -> bool:
        """Whether that is the beginning of a code object of the file."""
        if len(header) < self._layout.instructions:
            return False
        if _word(header, _TYPE) != self._interpreter.code_type:
            return False
        name = self._name
        data = read(_word(header, self._layout.filename), name.place + len(name.data))
        return (
            len(data) == name.place + len(name.data)
            and _word(data, _LENGTH) == name.length
            and data[_STATE] & _HOW_STORED == name.how
            and data[name.place :] == name.data
        )

    def _line_in(self, read: Read, header: bytes, offset: int) -> int | None:
        address = _word(header, self._layout.linetable)
        size = _word(read(address, _BYTES_DATA), _LENGTH)
        if size > _LONGEST_TABLE or offset < 0:
            return None
        table = read(address + _BYTES_DATA, size)
        (first,) = struct.unpack_from("<i", header, self._layout.first_line)
        line = line_at(table, first, offset // 2)
        return line if line is not None and 0 < line < _LAST_LINE else None


@lru_cache(maxsize=256)
def line_at(table: bytes, first: int, unit: int) -> int | None:
    """The line of the code unit `unit`, by a code object's ``co_linetable``.

    See Objects/locations.md of CPython. None where it has none.
    """
    line, place, end = first, 0, 0
    while place < len(table):
        entry = table[place]
        place += 1
        if not entry & 0x80:
            return None
        end += (entry & 7) + 1
        kind = entry >> 3 & 15
        if kind in (13, 14):
            delta, place = _signed(table, place)
            line += delta
            for _ in range(3 if kind == 14 else 0):
                _, place = _unsigned(table, place)
        elif 10 <= kind <= 12:
            line += kind - 10
            place += 2
        elif kind < 10:
            place += 1
        if unit < end:
            return None if kind == 15 else line
    return None


def _unsigned(table: bytes, place: int) -> tuple[int, int]:
    """A number in pieces of six bits, the lowest first, and the place after it."""
    value = 0
    for shift in range(0, 36, 6):
        if place >= len(table):
            break
        piece = table[place]
        place += 1
        value |= (piece & 63) << shift
        if not piece & 64:
            break
    return value, place


def _signed(table: bytes, place: int) -> tuple[int, int]:
    value, place = _unsigned(table, place)
    return (-(value >> 1) if value & 1 else value >> 1), place


@dataclass(frozen=True, slots=True)
class _Stored:
    """How an interpreter holds a text: of which kind, of which length, and where."""

    how: int
    length: int
    place: int
    data: bytes


# In a string's state: whether it is one byte, two or four a character, and ASCII.
_HOW_STORED = 0b1111100


def _stored(text: str) -> _Stored:
    highest = max(map(ord, text), default=0)
    size = 1 if highest < 1 << 8 else 2 if highest < 1 << 16 else 4
    encoding = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[size]
    # A fresh string is its structure, its characters and one to end them.
    ascii_place, place = sys.getsizeof("") - 1, sys.getsizeof("\xff" * 2) - 3
    is_ascii = highest < 1 << 7
    return _Stored(
        how=size << 2 | 1 << 5 | is_ascii << 6,
        length=len(text),
        place=ascii_place if is_ascii else place,
        data=text.encode(encoding, "surrogatepass" if size > 1 else "strict"),
    )


def _word(data: bytes, place: int) -> int:
    """The 8 bytes there; 0 where they are not."""
    return int.from_bytes(data[place : place + 8], "little")


def _pointer(read: Read, address: int) -> int:
    return _word(read(address, 8), 0)
