"""What programs make where shared memory lies, shm_overview(7).

It has names that everybody uses, shm_open(3), sem_open(3), and outlives its makers. The
tracer removes it after a run. The tracer may be killed before; so each file is noted in
a folder, and whoever removes that folder does it then.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SHARED_MEMORY = "/dev/shm"

_NOTE = "shared-"

# A file by its device and its inode.
_File = tuple[int, int]

# Where this process, and what is forked from it, notes what its programs make.
_notes: Path | None = None


def note_in(folder: Path) -> None:
    """From now on note there what programs make, for `remove_noted`."""
    global _notes
    _notes = folder


@dataclass(slots=True)
class Shared:
    """The files of one program."""

    files: set[_File] = field(default_factory=set)

    def note(self, path: str) -> None:
        """The program has made a file, or opened one as if to make it."""
        with suppress(OSError):
            made = os.stat(path)
            if made.st_dev != _device():
                return
            self.files.add((made.st_dev, made.st_ino))
            if _notes is not None and not _noted(_notes, (made.st_dev, made.st_ino)):
                os.unlink(path)  # whoever would have removed it is gone

    def remove(self) -> None:
        """Remove what the program has left of them."""
        if not self.files:
            return
        _remove(self.files)
        if _notes is not None:
            for file in self.files:
                (_notes / _name(file)).unlink(missing_ok=True)


def remove_noted(folder: Path) -> None:
    """Remove what is noted in a folder: a tracer was killed before it could do it."""
    with suppress(OSError):
        names = [name for name in os.listdir(folder) if name.startswith(_NOTE)]
        if names:
            files = {tuple(map(int, name[len(_NOTE) :].split("-"))) for name in names}
            _remove(files)


def _noted(folder: Path, file: _File) -> bool:
    try:
        (folder / _name(file)).touch()
    except FileNotFoundError:
        return False
    return True


def _name(file: _File) -> str:
    device, inode = file
    return f"{_NOTE}{device}-{inode}"


def _remove(files: Collection[tuple[int, ...]]) -> None:
    for entry in os.scandir(SHARED_MEMORY):
        with suppress(OSError):  # it is gone meanwhile, or another user's
            known = entry.stat(follow_symlinks=False)
            if (known.st_dev, known.st_ino) in files:
                os.unlink(entry.path)


@functools.cache
def _device() -> int | None:
    try:
        return os.stat(SHARED_MEMORY).st_dev
    except OSError:
        return None
