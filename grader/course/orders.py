"""What a worker of a cluster is told: one attempt, and which exercise it is for.

An exercise's files are sent once to each place that grades, and known by their digest
from then on: most orders hold little more than the program that was handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from grader.catalog import Exercise, read_exercise


@dataclass(frozen=True, slots=True)
class Order:
    """An attempt to grade.

    `digest` stands for the exercise, see `Packed`; `files` are there where it may not
    be known. `file` is how the submission is called in its verdict.
    """

    exercise: str
    digest: str
    file: str
    source: bytes
    files: Mapping[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """An exercise as it travels: what of its folder grading needs."""

    name: str
    files: Mapping[str, bytes]
    digest: str

    @classmethod
    def of(cls, exercise: Exercise) -> Packed:
        """Pack an exercise; nobody reads its hand-out where it goes."""
        paths = (exercise.checks_file, exercise.stub, exercise.folder / "exercise.toml")
        files = {path.name: path.read_bytes() for path in paths}
        files[exercise.handout.name] = b""
        digest = blake2b(digest_size=16)
        for part in (exercise.name.encode(), *_flat(files)):
            digest.update(len(part).to_bytes(8, "little") + part)
        return cls(exercise.name, files, digest.hexdigest())


def _flat(files: Mapping[str, bytes]) -> list[bytes]:
    return [part for name in sorted(files) for part in (name.encode(), files[name])]


def unpack(name: str, files: Mapping[str, bytes], folder: Path) -> Exercise:
    """The exercise that was packed, its files in a new folder below `folder`."""
    home = folder / name
    home.mkdir(parents=True)
    for file, data in files.items():
        (home / file).write_bytes(data)
    return read_exercise(home)
