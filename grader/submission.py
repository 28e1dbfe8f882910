"""The student's file: finding it, and seeing whether it can be run at all."""

from __future__ import annotations

import ast
import codecs
import io
import os
import re
import stat
import tokenize
import warnings
from pathlib import Path

from grader.catalog import Exercise
from grader.diagnosis.texts import text
from grader.errors import CatalogError, with_cure
from grader.verdict import Finding

_LARGEST = 1 << 20


def locate(exercise: Exercise, given: Path | None) -> Path:
    """The submission that a command's words mean.

    Nothing given: the student's file in the current folder, or in its
    ``exercises/exerciseN``. A folder: the same in it. A file: that file, also where
    it does not exist: then that is the verdict.
    """
    if given is not None and not _is_folder(given):
        return given
    folder = given or Path()
    nested = folder / "exercises" / exercise.name / exercise.program
    direct = folder / exercise.program
    in_named = folder / exercise.name / exercise.program
    for path in (direct, nested, in_named):
        if os.path.lexists(path):
            return path
    return direct


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # a name that is too long, or a folder that is closed to us


def read(path: Path) -> bytes | Finding:
    """What is in the file, or why it cannot be read; no more than `problem` looks at.

    Read once: another look may see another program.
    """
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            mode = path.stat().st_mode
    except FileNotFoundError:
        return _cannot(
            f"{path} does not exist; write it, or name the file or folder to grade"
        )
    except OSError as error:
        return _cannot(f"{path} cannot be read: {error.strerror}")
    if stat.S_ISDIR(mode):
        return _cannot(f"{path} is a folder, not a Python file")
    if not stat.S_ISREG(mode):
        return _cannot(f"{path} is not a regular file")
    try:
        # Opened without waiting: it may have become a FIFO in between.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            return file.read(_LARGEST + 1)
    except OSError as error:
        return _cannot(f"{path} cannot be read: {error.strerror}")


def load_problem(path: Path, data: bytes, exercise: Exercise) -> Finding | None:
    """Why a file with that in it cannot be run, or None where it can. Never runs it.

    Raises `CatalogError` where the exercise's stub is no program.
    """
    if len(data) > _LARGEST:
        return _cannot(f"{path} is larger than {_LARGEST >> 20} MiB: not a program")
    if not data.strip():
        return _cannot(f"{path} is empty")
    return _source_problem(path, data, exercise)


def _source_problem(path: Path, data: bytes, exercise: Exercise) -> Finding | None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _cannot(f"{path} is UTF-16 or UTF-32 text; save it as UTF-8")
    if b"\0" in data:
        return _cannot(f"{path} is not text: it contains zero bytes")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        source = data.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:
        line = None
        if isinstance(error, UnicodeDecodeError):
            line = data[: error.start].count(b"\n") + 1
        return _cannot(
            f"{path} is not UTF-8 text; save it with that encoding, or name its own in "
            "the first line (PEP 263)",
            line,
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        return _syntax_problem(path, source, error)
    except (RecursionError, MemoryError, ValueError):
        return _cannot(f"{path} is nested too deeply for Python to read")
    if _is_stub(data, exercise.stub):
        return _cannot(
            f"{path} is still the stub: fill in its functions; "
            f"`grade hint {exercise.name}` helps to begin"
        )
    return None


def _is_stub(data: bytes, stub: Path) -> bool:
    """Whether it is the stub, but for comments and white space."""
    try:
        unfinished = ast.parse(stub.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise CatalogError(
            f"{stub} is not valid Python: {error}; mend it, students begin with it"
        ) from error
    except OSError as error:
        raise CatalogError(f"{stub} cannot be read: {with_cure(error)}") from error
    try:
        return ast.dump(ast.parse(data)) == ast.dump(unfinished)
    except (RecursionError, MemoryError):
        return False  # nested as no stub is


_PYTHON_2 = (
    (re.compile(r"^\s*print\s+[^(\s=.]", re.MULTILINE), "its print has no brackets"),
    (re.compile(r"^\s*except\s+[\w.]+\s*,\s*\w+\s*:", re.MULTILINE), "`except E, e:`"),
    (re.compile(r"^\s*raise\s+\w+\s*,", re.MULTILINE), "`raise E, text`"),
    (re.compile(r"<>"), "`<>`"),
    (re.compile(r"^\s*exec\s+[\"'\w]", re.MULTILINE), "its exec has no brackets"),
)


def _syntax_problem(path: Path, source: str, error: SyntaxError) -> Finding:
    lines = source.splitlines()
    number = error.lineno or 1
    shown = lines[number - 1].strip()[:80] if number <= len(lines) else ""
    for pattern, what in _PYTHON_2:
        if pattern.search(shown) or (not shown and pattern.search(source)):
            return _cannot(
                f"{path} is Python 2 ({what}): line {number}, {shown!r}; write it in "
                "Python 3",
                number,
            )
    return _cannot(
        f"{path} is not valid Python: line {number}, {shown!r}: {error.msg}", number
    )


def _cannot(message: str, line: int | None = None) -> Finding:
    known = text("cannot-load")
    return Finding("cannot-load", printable(message), known.why, known.read, line)


def printable(name: str) -> str:
    """A text with a file's name in it, whatever bytes the name has: valid Unicode."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
