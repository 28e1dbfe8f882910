"""What grading needs of an exercise, as files that go elsewhere: a course of their own.

Solutions never go; hidden checks do, and so only to where exercises are graded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path

from grader.catalog import Exercise
from grader.errors import CatalogError, with_cure

# Files by their paths below a course's folder, as `grader.catalog` describes that.
Parcel = Mapping[str, bytes]


def packed(exercises: Iterable[Exercise]) -> Parcel:
    """All that grading these exercises needs.

    Raises `CatalogError` where a file cannot be read.
    """
    return {path: _read(file) for one in exercises for path, file in _files(one)}


def _files(exercise: Exercise) -> Iterable[tuple[str, Path]]:
    name = exercise.name
    settings = exercise.folder / "exercise.toml"
    for file in (exercise.handout, exercise.stub, settings, exercise.checks_file):
        yield f"exercises/{name}/{file.name}", file
    if exercise.hidden_checks is not None:
        file = exercise.hidden_checks
        yield f"hidden/{name}/{file.name}", file
    if exercise.diagnoses is not None:
        for file in sorted(exercise.diagnoses.glob("*.md")):
            yield f"diagnoses/{file.name}", file


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CatalogError(f"{file} cannot be read: {with_cure(error)}") from error


def unpack(parcel: Parcel, folder: Path) -> None:
    """Lay the files out in a folder."""
    for path, data in parcel.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def digest_of(parcel: Parcel) -> str:
    """What stands for the content of all these files."""
    digest = blake2b(digest_size=16)
    for path in sorted(parcel):
        for part in (path.encode(), parcel[path]):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
