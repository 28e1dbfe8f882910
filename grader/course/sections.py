"""Folders of a class's groups, told from folders of students."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.course.owners import (
    Owner,
    classroom_prefix,
    exercise_of,
    is_platforms,
    is_surely_platforms,
    names_an_exercise,
    owner_of_file,
    owner_of_folder,
)
from grader.report.text import some

_Path = tuple[str, ...]


def is_own_work(parts: Sequence[str]) -> bool:
    """Whether a file lies in its owner's folder, as `grade` would find it there."""
    first, last = parts[0], PurePosixPath(parts[-1]).stem
    if first.lower() == "exercises":
        return True
    if exercise_of(last) is None:
        return False
    return len(parts) == 1 or (len(parts) == 2 and exercise_of(first) is not None)


def in_exercise(path: _Path) -> tuple[str, _Path]:
    """The exercise whose folder a file lies in, if in any, and where it lies there."""
    first, *rest = path
    match = exercise_of(first)
    return (match[0], tuple(rest)) if match and rest else ("", path)


def wrappers(programs: Iterable[_Path], others: Iterable[_Path]) -> _Path:
    """Folders, each in the one before, that hold everything and are nobody's."""
    found: list[str] = []
    programs, others = list(programs), [path for path in others if path[1:]]
    while programs and len({path[0] for path in (*programs, *others)}) == 1:
        wrapper = programs[0][0]
        parts = [path[1:] for path in programs]
        if not all(parts) or _is_of_exercises(wrapper) or is_platforms(wrapper):
            break
        if any(map(is_own_work, parts)) and not _Folder(parts).is_of_several:
            break
        found.append(wrapper)
        programs, others = parts, [path[1:] for path in others if path[2:]]
    return tuple(found)


def _is_of_exercises(folder: str) -> bool:
    return folder.lower() == "exercises" or exercise_of(folder) is not None


class Sections:
    """Folders that hold the work of several students, as a class's groups do.

    A folder of one student may well have folders in it, and copies. But what a platform
    calls its own tells whose it is. And where most folders hold the same exercise in
    several folders or files, there are more of these names than folders, and nobody's
    work lies in any directly, they are of several students each.
    """

    def __init__(
        self,
        programs: Iterable[_Path],
        others: Iterable[_Path],
        *,
        closed: Iterable[_Path] = (),
        alone: bool,
    ) -> None:
        """Of paths of programs and of other files.

        `closed` are folders and archives that cannot be read: each may be of a student
        who has what the others have. `alone`: a program may be called anything, since
        one exercise is graded.
        """
        closed, programs = [*closed], [*programs]
        programs += _supposed(closed, programs)
        inside: dict[str, list[_Path]] = defaultdict(list)
        documents: dict[str, list[_Path]] = defaultdict(list)
        for found, paths in ((inside, programs), (documents, others)):
            for first, *rest in paths:
                if rest and not is_platforms(first):
                    found[first].append(tuple(rest))
        self._wrappers = {
            name: wrappers(inside[name], documents[name])
            for name in {*inside, *documents}
        }
        folders = {
            name: _Folder(
                _without(self._wrappers[name], inside[name]),
                _without(self._wrappers[name], documents[name]),
                classroom_prefix(name),
            )
            for name in self._wrappers
        }
        self._names = {name for name, folder in folders.items() if folder.is_platforms}
        if self._names:
            self._names |= {n for n, f in folders.items() if f.may_be_platforms}
        plain = {
            name: folder
            for name, folder in folders.items()
            if name not in self._names and inside[name]
        }
        if _are_of_several(plain.values()):
            self._names |= plain.keys()
        if self._names >= plain.keys() and self._names:
            # Where all others are sections, what cannot be read is one too.
            tops = {path[0] for path in closed if not path[1:]}
            self._names |= {name for name in tops if not inside[name]}
        left = {n: folder for n, folder in plain.items() if n not in self._names}
        self.doubtful = sorted(
            left
            if _may_be_of_others(left)
            else (n for n, folder in left.items() if folder.is_doubtful(alone=alone))
        )

    def inner(self, path: _Path) -> tuple[str, _Path]:
        """The section that a file lies in, if in any, and where it lies there."""
        first, *rest = path
        if first not in self._names or not rest:
            return "", path
        (inner,) = _without(self._wrappers[first], [tuple(rest)])
        return first, inner


def _supposed(closed: Iterable[_Path], programs: Iterable[_Path]) -> list[_Path]:
    """What may lie in folders in others that cannot be read: the same exercises."""
    words = {PurePosixPath(path[-1]).stem for path in programs}
    exercises = {match[0] for match in map(exercise_of, words) if match}
    return [
        (*folder, f"{exercise}.py")
        for folder in closed
        if folder[1:]
        for exercise in sorted(exercises)
    ]


def _without(wrapper: _Path, paths: Iterable[_Path]) -> list[_Path]:
    size = len(wrapper)
    return [
        path[size:] if path[:size] == wrapper and path[size:] else path
        for path in paths
    ]


@dataclass(frozen=True, slots=True)
class _Folder:
    """What lies in a folder of which it is not known whose it is."""

    programs: Collection[_Path]
    documents: Collection[_Path] = ()
    prefix: str = ""

    @property
    def own_work(self) -> bool:
        """Whether a program lies in it as its owner's does."""
        return any(map(is_own_work, self.programs))

    @property
    def is_of_several(self) -> bool:
        """Whether it is of several students, whoever's work lies in it directly."""
        folders = (path for path in self.programs if path[1:])
        return _clash(map(_held, folders)) or len(self._platforms()[0]) > 1

    @property
    def is_platforms(self) -> bool:
        """Whether a platform's export is in it."""
        found, sure = self._platforms()
        return len(found) > 1 or (len(found) == 1 and sure and not self.own_work)

    @property
    def may_be_platforms(self) -> bool:
        """Whether one is, if one is beside it."""
        found, _ = self._platforms()
        return len(found) == 1 and not self.own_work

    def _platforms(self) -> tuple[set[str], bool]:
        """Students by what their platform calls them, and whether that is sure.

        If it is not, all that lies here must be called so.
        """
        found: set[str] = set()
        sure = False
        called_otherwise = False
        paths = [*self.programs, *self.documents]
        for number, path in enumerate(paths):
            first, *rest = in_exercise(path)[1]
            word = first if rest else PurePosixPath(first).stem
            owner = (
                owner_of_folder(word, self.prefix)
                if rest
                else owner_of_file(word, alone=False)
            )
            if owner.by_platform:
                found.add(owner.student)
                sure |= is_surely_platforms(word) or not is_platforms(word)
            elif number < len(self.programs):
                called_otherwise = True
        return (set(), False) if called_otherwise and not sure else (found, sure)

    def members(self) -> set[str]:
        """Whose the exercises in it are, if it is of several students."""
        return {member for member, exercise in map(_held, self.programs) if exercise}

    def folders(self) -> set[str]:
        """The folders in it in which all programs lie; empty where one does not."""
        inner = [in_exercise(path)[1] for path in self.programs]
        return {path[0] for path in inner} if all(path[1:] for path in inner) else set()

    @property
    def clashes(self) -> bool:
        """Whether several of them have the same exercise."""
        return _clash(map(_held, self.programs))

    def is_doubtful(self, *, alone: bool) -> bool:
        """Whether several students' work may be in it for all that is known."""
        unnamed = [path for path in self.programs if not path[1:]]
        unnamed = [path for path in unnamed if not names_an_exercise(path[0])]
        if alone and len(unnamed) > 1 and len(unnamed) == len(self.programs):
            return True
        return _clash(map(_mentioned, self.programs))


def _are_of_several(folders: Collection[_Folder]) -> bool:
    """Whether folders of which no platform tells anything are of several students each.

    What lies in every student's folder, such as "old" and "new", is nobody's name: so
    there are to be more names than folders.
    """
    clashing = [folder for folder in folders if folder.clashes]
    names = {member for folder in folders for member in folder.members()}
    return (
        2 * len(clashing) > len(folders)
        and len(names) > len(folders)
        and not any(folder.own_work for folder in folders)
    )


def _may_be_of_others(folders: Mapping[str, _Folder]) -> bool:
    """Whether all work lies in folders in these that are called otherwise each.

    Students may have chosen the names; but so are sections with a student or two.
    """
    members = [folder.folders() for folder in folders.values()]
    names = set().union(*members)
    return (
        len(folders) > 1
        and all(members)
        and len(names) == sum(map(len, members))
        and not any(folder.own_work for folder in folders.values())
        and not any(
            _names_word(outer, inner)
            for outer, inside in zip(folders, members, strict=True)
            for inner in inside
        )
    )


def _names_word(word: str, name: str) -> bool:
    """Whether a name has a word in it, such as "ada" in "ada_hw"."""
    whole = rf"(?<![^\W_]){re.escape(word)}(?![^\W_])"
    return re.search(whole, name, re.IGNORECASE) is not None


def _held(path: _Path) -> tuple[str, str]:
    """Whose a program in a section is, and of which exercise; empty if of none."""
    exercise, inner = in_exercise(path)
    if inner[1:]:
        match = exercise_of(PurePosixPath(inner[-1]).stem)
        named = match[0] if match and is_own_work(inner[1:]) else ""
        return inner[0], named or exercise
    owner = owner_of_file(PurePosixPath(inner[0]).stem, alone=False)
    match = exercise_of(owner.file)
    return owner.student, match[0] if match and owner.student else ""


def _mentioned(path: _Path) -> tuple[str, str]:
    """As `_held`, however deep a program lies."""
    inner = in_exercise(path)[1]
    match = exercise_of(PurePosixPath(inner[-1]).stem)
    return (inner[0], match[0]) if match and inner[1:] else _held(path)


def _clash(held: Iterable[tuple[str, str]]) -> bool:
    """Whether two have the same exercise."""
    found: dict[str, set[str]] = defaultdict(set)
    for member, exercise in held:
        if exercise:
            found[exercise].add(member)
    return any(len(members) > 1 for members in found.values())


class Namesakes:
    """Students who are called the same in several sections.

    They are others where two of their sections have an exercise in common. Else it is a
    folder a week, say, and they are the same.
    """

    def __init__(self, files: Sequence[tuple[str, Owner, str]]) -> None:
        """Each file's section, empty where it lies in none; its owner and exercise."""
        sections: dict[str, set[str]] = defaultdict(set)
        self._exercises: dict[str, set[str]] = defaultdict(set)
        for section, owner, exercise in files:
            if owner.student and not owner.by_platform:
                sections[owner.student].add(section)
            if exercise:
                self._exercises[section].add(exercise)
        several = {name: found for name, found in sections.items() if len(found) > 1}
        self._others = {n for n, found in several.items() if self._in_common(found)}
        same = several.keys() - self._others
        self._same = (
            sorted(same),
            sorted(
                {
                    section or "other folders"
                    for name in same
                    for section in several[name]
                }
            ),
        )

    def _in_common(self, sections: Collection[str]) -> bool:
        """Whether two sections have the same exercise."""
        exercises = [name for s in sections for name in self._exercises[s]]
        return len(set(exercises)) < len(exercises)

    def student(self, section: str, owner: Owner) -> str:
        """What to call the owner of a file."""
        if section and not owner.by_platform and owner.student in self._others:
            return f"{section}/{owner.student}"
        return owner.student

    def told(self) -> str:
        """A sentence on those who are taken for the same; empty without any."""
        students, sections = self._same
        if not students:
            return ""
        return (
            f"{some(sections)} have no exercise in common, so who is in several "
            f"of them is taken for one student: {some(students)}"
        )
