"""Folders that a submission may do anything to, and that are gone afterwards."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def scratch_folder(inside: Path | None = None) -> Iterator[Path]:
    """A new folder in another, or where temporary files go; removed at the end.

    Where the other is gone, it is made again: a submission may have removed it. What
    cannot be removed is left behind without a word: a submission that takes away its
    own permissions is no reason to lose its verdict.
    """
    where = Path(tempfile.gettempdir()) if inside is None else inside
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="forklab-", dir=where))
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder, onerror=_permit_and_try_again)
    except RecursionError:
        # Nested more deeply than shutil can follow; rm(1) can.
        with suppress(OSError):
            subprocess.run(
                ["rm", "-rf", "--", str(folder)], stderr=subprocess.DEVNULL, check=False
            )


def _permit_and_try_again(
    function: Callable[..., object], path: str, _: object
) -> None:
    with suppress(OSError):
        for where in (os.path.dirname(path), path):
            if not os.path.islink(where):
                os.chmod(where, stat.S_IRWXU)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
