"""Folders that a submission may do anything to, and that are gone afterwards."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


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


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
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
