"""Submissions in zip and tar archives, read by strict rules.

Nothing is ever unpacked to a disc: what an archive holds becomes bytes with a name.
Whoever made the archive may be hostile, so only regular files count, names stay below
the archive's top, and sizes are bounded before anything is unpacked, not afterwards.
"""

from __future__ import annotations

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from grader.errors import UsageError

# How Gradescope calls what it knows of an export's submissions.
METADATA = "submission_metadata.yml"

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

# Of one file so many bytes are read: one more than any submission may have, so that
# what is too long is seen to be.
LONGEST_FILE = (1 << 20) + 1

_MOST_FILES = 100_000
_MOST_BYTES = 1 << 30
_LONGEST_NAME = 1000
_DEEPEST = 24


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that was handed in: where it lay, what it holds, and since when."""

    path: PurePosixPath
    data: bytes
    changed: datetime | None


def is_archive(path: Path) -> bool:
    """Whether a file's name is that of an archive."""
    return path.name.lower().endswith(SUFFIXES)


def read_archive(path: Path) -> list[Entry]:
    """The files of an archive.

    Raises `UsageError` where it cannot be read, or holds more than is let in.
    """
    try:
        files = _zipped(path) if zipfile.is_zipfile(path) else _tarred(path)
        return _bounded(path, files)
    except (OSError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"{path} cannot be read: {_reason(error)}") from error
    except (EOFError, lzma.LZMAError, RuntimeError, NotImplementedError) as error:
        # Cut off; damaged; encrypted; compressed in a way that Python does not know.
        raise UsageError(f"{path} cannot be unpacked: {error}") from error


def _reason(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return strerror or str(error) or "it is no archive"


def _bounded(path: Path, files: Iterator[Entry]) -> list[Entry]:
    found: list[Entry] = []
    size = 0
    for entry in files:
        size += len(entry.data)
        if len(found) == _MOST_FILES or size > _MOST_BYTES:
            raise UsageError(
                f"{path} holds more than {_MOST_FILES} files or "
                f"{_MOST_BYTES >> 20} MB; split it"
            )
        found.append(entry)
    return found


def _zipped(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = safe_path(info.filename)
            mode = info.external_attr >> 16
            special = mode and (mode & 0o170000) not in (0, 0o100000)
            if info.is_dir() or special or name is None:
                continue
            with archive.open(info) as file:
                data = file.read(LONGEST_FILE)
            yield Entry(name, data, _date(info.date_time))


def _date(fields: tuple[int, int, int, int, int, int]) -> datetime | None:
    try:
        return datetime(*fields, tzinfo=UTC)
    except ValueError:
        return None  # zip files may hold a 31st of February


def _tarred(path: Path) -> Iterator[Entry]:
    with tarfile.open(path) as archive:
        for info in archive:
            name = safe_path(info.name)
            if not info.isfile() or name is None:
                continue
            file = archive.extractfile(info)
            if file is not None:
                data = file.read(LONGEST_FILE)
                yield Entry(name, data, datetime.fromtimestamp(info.mtime, UTC))


def read_folder(folder: Path) -> list[Entry]:
    """The regular files below a folder; links are not followed, nor is hidden work.

    Raises `UsageError` where the folder cannot be read.
    """
    found: list[Entry] = []
    try:
        for place, folders, names in os.walk(folder, onerror=_raise):
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            for name in sorted(names):
                file = Path(place, name)
                path = safe_path(file.relative_to(folder).as_posix())
                if path is None or file.is_symlink() or not file.is_file():
                    continue
                with open(file, "rb") as stream:
                    data = stream.read(LONGEST_FILE)
                changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
                found.append(Entry(path, data, changed))
    except OSError as error:
        where = error.filename or folder
        raise UsageError(f"{where} cannot be read: {error.strerror}") from error
    return found


def _raise(error: OSError) -> None:
    raise error


def safe_path(name: str) -> PurePosixPath | None:
    """A program's name below the top, or None where a file is not let in."""
    if len(name) > _LONGEST_NAME or "\0" in name:
        return None
    path = PurePosixPath(name.replace("\\", "/"))
    parts = [part for part in path.parts if part != "."]
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    if path.is_absolute() or hidden or not 0 < len(parts) <= _DEEPEST:
        return None
    if path.suffix != ".py" and path.name != METADATA:
        return None  # nobody will look at it
    return PurePosixPath(*parts)
