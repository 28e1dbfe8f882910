"""Handing out: copies stubs and hand-outs into a student's folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.catalog import Exercise
from grader.errors import unwritable
from grader.files import check_makeable, write_new


@dataclass(frozen=True, slots=True)
class HandedOut:
    """What became of one file: copied, or left because it was there."""

    path: Path
    copied: bool


def hand_out(exercises: Iterable[Exercise], folder: Path) -> list[HandedOut]:
    """Copy each exercise's hand-out and stub to ``FOLDER/exercises/exerciseN``.

    What is there already stays as it is. Raises `UsageError` where `folder` cannot be
    written to, or lies in no folder; `GraderError` where the disk is full, say.
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
                done.append(HandedOut(path, write_new(path, source.read_bytes())))
    except OSError as error:
        raise unwritable(error, folder) from error
    return done
