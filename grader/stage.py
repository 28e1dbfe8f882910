"""The folder that a submission runs in, with nothing but its file.

No run may find what an earlier one left, so each has a folder as if it were new.
To make one and to remove it takes a tenth of a short run; so one folder is used again,
as long as nobody has touched it, or what is in it. The kernel dates each change there,
with a clock that may stand still for some milliseconds, inode(7): so only a folder
counts as untouched that was there for longer before anybody could touch it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from grader.tracing.scratch import scratch_folder

# Longer than any kernel's tick, in seconds.
_OLD_ENOUGH = 0.02


class Stage:
    """Where one submission runs, in one run after the other."""

    def __init__(self, directory: Path, name: str, content: bytes) -> None:
        """Folders are made in `directory`, whose owner removes what is left there."""
        self._directory = directory
        self._name = name
        self._content = content
        self._folder: Path | None = None
        self._made = 0.0
        self._untouched: object = None
        self._cleanup = ExitStack()

    @contextmanager
    def set_up(self) -> Iterator[Path]:
        """The submission's file, alone in a folder."""
        if self._folder is None:
            self._prepare()
        elif time.monotonic() - self._made >= _OLD_ENOUGH:
            if _dates(self._folder, self._name) == self._untouched:
                yield self._folder / self._name
                return
            self._cleanup.close()
            self._prepare()
        with scratch_folder(self._directory) as folder:
            yield self._filled(folder)

    def _prepare(self) -> None:
        """Make the folder that is to be used again, once it is old enough."""
        self._folder = self._cleanup.enter_context(scratch_folder(self._directory))
        self._filled(self._folder)
        self._untouched = _dates(self._folder, self._name)
        self._made = time.monotonic()

    def _filled(self, folder: Path) -> Path:
        file = folder / self._name
        file.write_bytes(self._content)
        return file

    def is_harmed(self, file: Path) -> bool:
        """Whether the submission is not in its file any more: it may be a FIFO now."""
        with suppress(OSError):
            # Opened without waiting, and without a trace.
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOATIME
            with open(os.open(file, flags), "rb") as opened:
                return opened.read(len(self._content) + 1) != self._content
        return True


def _dates(folder: Path, name: str) -> object:
    """What each change to a folder changes, or to its one file; None: it is gone."""
    try:
        return [
            (
                *(status.st_ino, status.st_mode, status.st_nlink, status.st_uid),
                *(status.st_gid, status.st_size, status.st_blocks),
                status.st_atime_ns,
                *(status.st_mtime_ns, status.st_ctime_ns),
            )
            for status in (os.stat(folder), os.lstat(folder / name))
        ]
    except OSError:
        return None
