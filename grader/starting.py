"""Handing out: copies stubs and hand-outs into a student's folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.catalog import Exercise
from grader.errors import UsageError
from grader.report.files import check_makeable


@dataclass(frozen=True, slots=True)
class HandedOut:
    """What became of one file: copied, or left because it was there."""

    path: Path
    copied: bool


def hand_out(exercises: Iterable[Exercise], folder: Path) -> list[HandedOut]:
    """Copy each exercise's hand-out and stub to ``FOLDER/exercises/exerciseN``.

    What is there already stays as it is. Raises `UsageError` where `folder` cannot be
    written to, or lies in no folder.
    """
    check_makeable(folder)
    done = []
    try:
        for exercise in exercises:
            target = folder / "exercises" / exercise.name
            target.mkdir(parents=True, exist_ok=True)
            for source, path in (
                (exercise.handout, target / exercise.handout.name),
                (exercise.stub, target / exercise.program),
            ):
                done.append(HandedOut(path, _copy(source, path)))
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder} cannot be written: {error.strerror}; "
            "name another folder"
        ) from error
    return done


def _copy(source: Path, target: Path) -> bool:
    """Copy, unless something has that name: also a link that leads nowhere."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    with open(descriptor, "wb") as file:
        file.write(source.read_bytes())
    return True
