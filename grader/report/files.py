"""Writing a report's file: whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from grader.errors import GraderError, UsageError, with_cure

# The end of the name of a file that is not yet all there.
_UNFINISHED = ".part"


def check_writable(path: Path) -> None:
    """Say so before any work is done, where a file cannot be written.

    Raises `UsageError`.
    """
    _look(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    if path.exists() and not path.is_file():  # a terminal, a pipe, /dev/null
        return
    folder = path.parent
    _check_there(folder)
    if not os.access(folder, os.W_OK) or (
        path.exists() and not os.access(path, os.W_OK)
    ):
        raise UsageError(
            f"{path} cannot be written: permission denied; change the permissions, or "
            "name another file"
        )


def check_makeable(folder: Path) -> None:
    """Say so where a folder is not there, and where it lies neither.

    Raises `UsageError`: a slip in a path is not to make a tree of folders.
    """
    _look(folder)
    _check_there(folder if folder.exists() else folder.parent)


def _check_there(folder: Path) -> None:
    """Raises `UsageError` where there is no such folder."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name another folder")
    if not folder.is_dir():
        raise UsageError(f"the folder {folder} does not exist; make it first")


def _look(path: Path) -> None:
    """Raises `UsageError` where not even that can be said of a path."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise UsageError(f"{path} cannot be used: {with_cure(error)}") from error


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or all of the new.

    Text is written as UTF-8. Raises `GraderError` where the disk is full, say; an old
    file is then as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        # A link is written through, not replaced.
        path = path.resolve()
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=_UNFINISHED
        )
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
            os.chmod(name, _mode(path))
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise GraderError(f"{path} could not be written: {with_cure(error)}") from error


def remove_unfinished(folder: Path) -> None:
    """Remove from a folder what `write_whole` left there where it was killed.

    To be called where nobody writes to that folder meanwhile.
    """
    for path in folder.glob(f".*{_UNFINISHED}"):
        path.unlink(missing_ok=True)


def _mode(path: Path) -> int:
    """The permissions that a file has, or that a new one gets: umask(2)."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def keep_apart(program: Path, *reports: Path) -> None:
    """Raises `UsageError` where a report would take the place of another file."""
    seen = {program.resolve()}
    for path in reports:
        if path.resolve() in seen and not path.is_char_device():
            raise UsageError(f"{path} is written to or read already; name another file")
        seen.add(path.resolve())
