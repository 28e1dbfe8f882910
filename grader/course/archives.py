"""What lies in folders, and in zip and tar archives, read by strict rules.

Nothing is ever unpacked to a disc: what an archive holds becomes bytes with a name.
Whoever made the archive may be hostile, so only regular files count, names stay below
the archive's top, and sizes are bounded before anything is unpacked, not afterwards.
An archive that lies in a folder or in another archive is read too, one level deep:
it is as if it had been unpacked where it lies.
"""

from __future__ import annotations

import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from grader.errors import UsageError

# How Gradescope calls what it knows of an export's submissions.
METADATA = "submission_metadata.yml"

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

# Of one program so many bytes are read: one more than any submission may have, so
# that what is too long is seen to be. Of what holds others, more.
LONGEST_FILE = (1 << 20) + 1
_LONGEST_OTHER = 32 << 20

_MOST_FILES = 100_000
_MOST_BYTES = 1 << 30
_LONGEST_NAME = 1000
_DEEPEST = 24

_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # encrypted
    NotImplementedError,  # compressed in a way that Python does not know
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that was handed in: where it lay, what it holds, and since when."""

    path: PurePosixPath
    data: bytes
    changed: datetime | None


@dataclass(slots=True)
class Found:
    """What was read, and what could not be: a sentence each."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _Budget:
    """How much may still be read, of all archives together."""

    def __init__(self) -> None:
        self._files = _MOST_FILES
        self._bytes = _MOST_BYTES

    def spend(self, size: int) -> None:
        """Raises `UsageError` where it is too much."""
        self._files -= 1
        self._bytes -= size
        if self._files < 0 or self._bytes < 0:
            raise UsageError(
                f"there are more than {_MOST_FILES} files or {_MOST_BYTES >> 20} MB "
                "in it; hand it over in parts"
            )


def is_archive(path: Path | PurePosixPath) -> bool:
    """Whether a file's name is that of an archive."""
    return path.name.lower().endswith(SUFFIXES)


def stem(path: Path | PurePosixPath) -> str:
    """An archive's name without what says that it is one."""
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.name


def read(path: Path) -> Found:
    """The programs in a folder or an archive, and in archives that lie there.

    Raises `UsageError` where it cannot be read at all, or holds more than is let in.
    """
    budget = _Budget()
    try:
        if path.is_dir():
            entries = list(_below(path, budget))
        else:
            with open(path, "rb") as file:
                entries = list(_unpacked(file, budget))
    except _DAMAGE as error:
        raise UsageError(f"{path} cannot be read: {_reason(error)}") from error
    return _with_nested(entries, budget)


def _reason(error: BaseException) -> str:
    """In one line; some libraries use several."""
    text = getattr(error, "strerror", None) or str(error) or "it is damaged"
    return " ".join(text.split())


def _with_nested(entries: list[Entry], budget: _Budget) -> Found:
    found = Found()
    for entry in entries:
        if not is_archive(entry.path):
            found.entries.append(entry)
            continue
        top = entry.path.with_name(stem(entry.path))
        try:
            inside = list(_unpacked(io.BytesIO(entry.data), budget))
        except _DAMAGE as error:
            found.problems.append(f"{entry.path} cannot be read: {_reason(error)}")
            continue
        for inner in inside:
            if is_archive(inner.path):
                found.problems.append(f"{entry.path} holds another archive; unpack it")
            else:
                found.entries.append(replace(inner, path=top / inner.path))
    return found


def _longest(path: PurePosixPath) -> int:
    return LONGEST_FILE if path.suffix == ".py" else _LONGEST_OTHER


def _unpacked(file: IO[bytes], budget: _Budget) -> Iterator[Entry]:
    if zipfile.is_zipfile(file):
        yield from _zipped(file, budget)
    else:
        file.seek(0)
        yield from _tarred(file, budget)


def _zipped(file: IO[bytes], budget: _Budget) -> Iterator[Entry]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            name = safe_path(info.filename)
            mode = info.external_attr >> 16
            special = mode and (mode & 0o170000) not in (0, 0o100000)
            if info.is_dir() or special or name is None:
                continue
            with archive.open(info) as stream:
                data = stream.read(_longest(name))
            budget.spend(len(data))
            yield Entry(name, data, _date(info.date_time))


def _date(fields: tuple[int, int, int, int, int, int]) -> datetime | None:
    try:
        # A zip file does not say in which zone; most are of the one they are read in.
        return datetime(*fields).astimezone()
    except (ValueError, OverflowError):
        return None  # it may hold a 31st of February


def _tarred(file: IO[bytes], budget: _Budget) -> Iterator[Entry]:
    with tarfile.open(fileobj=file) as archive:
        for info in archive:
            name = safe_path(info.name)
            if not info.isfile() or name is None:
                budget.spend(info.size)  # it is unpacked to find the next
                continue
            stream = archive.extractfile(info)
            if stream is not None:
                data = stream.read(_longest(name))
                budget.spend(max(info.size, len(data)))
                yield Entry(name, data, _moment(info.mtime))


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _below(folder: Path, budget: _Budget) -> Iterator[Entry]:
    """The regular files below a folder; links are not followed, nor is hidden work."""
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(place, name)
            path = safe_path(file.relative_to(folder).as_posix())
            if path is None or file.is_symlink() or not file.is_file():
                continue
            with open(file, "rb") as stream:
                data = stream.read(_longest(path))
            budget.spend(len(data))
            yield Entry(path, data, _moment(file.stat().st_mtime))


def _raise(error: OSError) -> None:
    raise error


def safe_path(name: str) -> PurePosixPath | None:
    """A name below the top, or None where nobody will look at such a file."""
    if len(name) > _LONGEST_NAME or "\0" in name:
        return None
    path = PurePosixPath(name.replace("\\", "/"))
    parts = [part for part in path.parts if part != "."]
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    if path.is_absolute() or hidden or not 0 < len(parts) <= _DEEPEST:
        return None
    if path.suffix != ".py" and path.name != METADATA and not is_archive(path):
        return None
    return PurePosixPath(*parts)
