"""Folders that a submission may do anything to, and that are gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from grader.tracing.children import fork
from grader.tracing.shared import is_note, remove_noted

_PAUSE = 0.05  # seconds


@contextmanager
def scratch_folder(inside: Path | None = None) -> Iterator[Path]:
    """A new folder in another, or where temporary files go; removed at the end.

    Where the other is gone, it is made again: a submission may have removed it. What
    cannot be removed is left behind without a word, and is no reason to lose a verdict.
    """
    where = Path(tempfile.gettempdir()) if inside is None else inside
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="forklab-", dir=where))
    try:
        yield folder
    finally:
        _remove(folder)


# Those that a guard watches, here or in the process that this one was forked from.
_guarded: set[Path] = set()


@contextmanager
def guarded_folder() -> Iterator[Path]:
    """A new folder, as `scratch_folder` makes one, removed also if we are killed.

    A process of its own sees to that, unless a guarded folder is where temporary files
    go: with that one goes what is in it.
    """
    if Path(tempfile.gettempdir()) in _guarded:
        with scratch_folder() as folder:
            yield folder
        return
    with scratch_folder() as folder:
        theirs, ours = os.pipe()
        guard = fork()
        if guard == 0:
            _guard(folder, theirs)
        os.close(theirs)
        _guarded.add(folder)
        try:
            yield folder
        finally:
            _guarded.discard(folder)
            _remove_guarded(folder)
            with suppress(BrokenPipeError):
                os.write(ours, b"!")  # there is nothing left to guard
            os.close(ours)
            os.waitpid(guard, 0)


def guarded_by(folder: Path) -> Path:
    """What a guard watches of a `guarded_folder`: that folder, or the one it is in."""
    return folder if folder in _guarded else folder.parent


def _guard(folder: Path, watched: int) -> NoReturn:
    """Remove a folder once nobody is left who could."""
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.chdir("/")
        os.closerange(0, watched)
        os.closerange(watched + 1, 1 << 16)
        names = (folder, _retired(folder))
        while not os.read(watched, 1) and any(name.exists() for name in names):
            time.sleep(_PAUSE)  # what is killed along with its maker does no more then
            _remove_guarded(folder)  # once more, where a program still wrote into it
    finally:
        os._exit(0)


def _remove_guarded(folder: Path) -> None:
    """Remove a folder, and the shared memory that is noted in it.

    It has another name before its notes are read: whoever comes too late with one finds
    that out, see `Shared.note`. The notes go last, and with them the folder: whoever
    was on the way into it by its former name finds that out too.
    """
    retired = _retired(folder)
    with suppress(OSError):  # it has that name already, or a submission has removed it
        folder.rename(retired)
    _remove(folder)
    with suppress(OSError):
        for name in os.listdir(retired):
            if not is_note(name):
                _remove(retired / name)
    remove_noted(retired)
    _remove(retired)


def _retired(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-retired")


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        if not folder.exists():
            return  # a submission has removed it
        # It closed its folders, or nested them more deeply than shutil can follow.
        for command in ("chmod", "-R", "u+rwX"), ("rm", "-rf"):
            with suppress(OSError):
                subprocess.run(
                    [*command, "--", str(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=False,
                )
