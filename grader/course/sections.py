"""Folders of a class's groups, told from folders of students."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from grader.course.owners import (
    Owner,
    classroom_prefix,
    exercise_of,
    is_platforms,
    owner_of_file,
    owner_of_folder,
)


def is_own_work(parts: Sequence[str]) -> bool:
    """Whether a file lies in its owner's folder, as `grade` would find it there."""
    first, last = parts[0], PurePosixPath(parts[-1]).stem
    if first.lower() == "exercises":
        return True
    if exercise_of(last) is None:
        return False
    return len(parts) == 1 or (len(parts) == 2 and exercise_of(first) is not None)


class Sections:
    """Folders that hold the folders of students, as a class's groups do.

    A folder of one student may well have folders in it. But where most of them hold
    the same exercise in several folders, and nobody's work lies in any directly, they
    are of several students each.
    """

    def __init__(self, paths: Iterable[tuple[str, ...]]) -> None:
        inside: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for first, *rest in paths:
            if rest and not is_platforms(first):
                inside[first].append(tuple(rest))
        self._names = {n for n, rest in inside.items() if _has_platforms(rest)}
        others = {n: rest for n, rest in inside.items() if n not in self._names}
        plain = {n: rest for n, rest in others.items() if not _has_own_work(rest)}
        clashing = [name for name, rest in plain.items() if clashes(rest)]
        if len(plain) == len(others) and 2 * len(clashing) > len(plain):
            self._names |= set(plain)
        members = [(n, rest[0]) for n in self._names for rest in inside[n] if rest[1:]]
        counted: dict[str, set[str]] = defaultdict(set)
        for section, member in members:
            counted[member].add(section)
        self._twice = {member for member, found in counted.items() if len(found) > 1}

    def owner(self, path: tuple[str, ...], prefix: str) -> Owner:
        """Whose a file is that lies in a folder."""
        first, second, *rest = path
        if first not in self._names:
            return owner_of_folder(first, prefix)
        if not rest:
            return owner_of_file(PurePosixPath(second).stem, alone=False)
        owner = owner_of_folder(second, classroom_prefix(first) or prefix)
        if second in self._twice and not is_platforms(second):
            return replace(owner, student=f"{first}/{owner.student}")
        return owner


def _has_platforms(inside: Iterable[tuple[str, ...]]) -> bool:
    return any(len(path) > 1 and is_platforms(path[0]) for path in inside)


def _has_own_work(inside: Iterable[tuple[str, ...]]) -> bool:
    return any(map(is_own_work, inside))


def clashes(inside: Iterable[tuple[str, ...]]) -> bool:
    """Whether two folders hold the same exercise."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in inside:
        match = exercise_of(PurePosixPath(path[-1]).stem)
        if match and len(path) > 1 and is_own_work(path[1:]):
            found[match[0]].add(path[0])
    return any(len(folders) > 1 for folders in found.values())
