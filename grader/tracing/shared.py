"""What programs make where shared memory lies, shm_overview(7).

It has names that everybody uses, shm_open(3), sem_open(3), and outlives its makers. The
tracer removes it after a run. The tracer may be killed before; so each file is noted in
a folder, and whoever removes that folder does it then: by its name before it is made,
and by its inode, whatever it is called later, as soon as it is there.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SHARED_MEMORY = "/dev/shm"

_NOTE, _NAMED = "shared-", "named-"

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
    _foreseen: dict[str, Path] = field(default_factory=dict)

    def foresee(self, path: str) -> bool:
        """The program is about to make a file; whether that could be noted."""
        path = os.path.realpath(path)
        folder, name = os.path.split(path)
        known = name in self._foreseen or os.path.lexists(path)
        if _notes is None or folder != SHARED_MEMORY or known:
            return True
        note = _notes / f"{_NAMED}{os.getpid()}-{len(self._foreseen)}"
        try:
            note.symlink_to(name)
        except FileNotFoundError:
            return False  # whoever would have removed the file is gone
        self._foreseen[name] = note
        return True

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
        if self.files:
            _remove(self.files)
            if _notes is not None:
                for file in self.files:
                    (_notes / _name(file)).unlink(missing_ok=True)
        for note in self._foreseen.values():
            note.unlink(missing_ok=True)


def is_note(name: str) -> bool:
    """Whether a file of that name, in a folder with notes, is one of them."""
    return name.startswith((_NOTE, _NAMED))


def remove_noted(folder: Path) -> None:
    """Remove what is noted in a folder: a tracer was killed before it could do it.

    The folder goes too where nothing else is in it. Whoever comes too late with a note
    then finds that out; until then each one is read before it is removed.
    """
    some_went = True
    while some_went:
        some_went = False
        with suppress(OSError):
            notes = [note for note in os.listdir(folder) if is_note(note)]
            _remove({file for note in notes if (file := _noted_file(note))})
            for note in notes:
                with suppress(OSError):  # it is gone meanwhile, or no note
                    if note.startswith(_NAMED):
                        _remove_named(os.readlink(folder / note))
                    os.unlink(folder / note)
                    some_went = True
            os.rmdir(folder)


def _noted_file(note: str) -> _File | None:
    """The file that is noted by its inode; a submission may have written rubbish."""
    with suppress(ValueError):
        device, inode = map(int, note.removeprefix(_NOTE).split("-"))
        return device, inode
    return None


def _remove_named(path: str) -> None:
    with suppress(OSError):  # it was not made any more, or is another user's
        os.unlink(os.path.join(SHARED_MEMORY, os.path.basename(path)))


def _noted(folder: Path, file: _File) -> bool:
    try:
        (folder / _name(file)).touch()
    except FileNotFoundError:
        return False
    return True


def _name(file: _File) -> str:
    device, inode = file
    return f"{_NOTE}{device}-{inode}"


def _remove(files: Collection[_File]) -> None:
    for entry in os.scandir(SHARED_MEMORY) if files else ():
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
