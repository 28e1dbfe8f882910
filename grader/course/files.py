"""The files that were handed in, each as if archives had been unpacked where they lay.

And what can be said of them before it is known whose they are: which folders are
nobody's, and which hold an export of Gradescope.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from grader.course.archives import (
    METADATA,
    Entry,
    Found,
    Unread,
    is_packed,
    is_program,
    stem,
)
from grader.course.owners import Owner, exercise_of
from grader.course.sections import wrappers

# What `grade course` calls the list of a class beside its verdicts.
CLASS_FILE = "class.json"


@dataclass(frozen=True, slots=True)
class HandedFile:
    """A file that was handed in, and whose; `word` is its name without that.

    `entry` is its content if it is a program, and `unread` says why it is none.
    """

    owner: Owner
    word: str
    path: tuple[str, ...]
    name: str
    entry: Entry | None
    unread: Unread | None = None

    @property
    def why(self) -> str:
        """Why it is no program; empty where it is one."""
        return self.unread.why if self.unread is not None else ""

    @property
    def is_lost(self) -> bool:
        """Whether it may well be a program, or hold some, but cannot be read."""
        return self.unread is not None and self.unread.lost

    @property
    def is_ours(self) -> bool:
        """Whether it is lost, and no student is to blame for that."""
        return self.unread is not None and self.unread.ours

    @property
    def is_called_program(self) -> bool:
        """Whether its name is a program's: a name says whose it is, read or not."""
        return self.entry is not None or is_program(PurePosixPath(self.path[-1]))

    @property
    def stem(self) -> str:
        """Its name without suffixes; a document may have two: exercise2.py.txt."""
        name = PurePosixPath(self.path[-1])
        return name.stem if self.is_called_program else name.name.split(".")[0]

    @property
    def exercise(self) -> str:
        """The exercise that it is named after; empty if after none."""
        match = exercise_of(self.word)
        return match[0] if match else ""

    @property
    def is_helper(self) -> bool:
        """Whether it has the name of a file that pytest or Python looks for."""
        return self.stem in ("conftest", "__init__") or self.stem.startswith("test_")


def files_of(found: Found) -> list[HandedFile]:
    """Everything, each as if archives had been unpacked where they lay."""
    nobody = Owner("")
    files = [
        HandedFile(nobody, "", _composed(entry.path.parts), str(entry.path), entry)
        for entry in found.entries
    ]
    for unread in found.unread:
        path, parts = unread.path, unread.path.parts
        if is_packed(path):
            parts = (*parts[:-1], stem(path), path.name)
        parts = _composed(parts)
        files.append(HandedFile(nobody, "", parts, unread.name, None, unread))
    return files


def without_results(files: Sequence[HandedFile]) -> list[HandedFile]:
    """Without what `grade course` wrote, when its results were to lie there.

    Nothing else that lies in such a folder is left out: a student may have made it.
    """
    lists = {file.path[:-1] for file in files if file.path[-1] == CLASS_FILE}
    own = [file for file in files if _is_verdict(file.path) and file.path[:-3] in lists]
    results = {file.path[:-3] for file in own}
    others = {id(file) for file in own}
    kept = [file for file in files if id(file) not in others]
    # A call that was ended at once has left no verdict there.
    used = {
        file.path[:depth]
        for file in kept
        if file.path[-1] != CLASS_FILE
        for depth in range(len(file.path))
    }
    return [
        file
        for file in kept
        if file.path[-1] != CLASS_FILE
        or (file.path[:-1] not in results and file.path[:-1] in used)
    ]


def _is_verdict(path: Sequence[str]) -> bool:
    """Whether results would lie there in their folder."""
    return path[-3:-2] in (("verdicts",), ("failed",)) and path[-1].endswith(".json")


def _composed(parts: Iterable[str]) -> tuple[str, ...]:
    """The same names with an umlaut, say, as one character, whoever wrote them."""
    return tuple(unicodedata.normalize("NFC", part) for part in parts)


def unwrapped(top: str, files: Sequence[HandedFile]) -> tuple[str, list[HandedFile]]:
    """Without folders that hold everything and are nobody's; the name of the last."""
    found = wrappers(
        [file.path for file in files if file.is_called_program],
        [file.path for file in files if not file.is_called_program],
    )
    for wrapper in found:
        top = wrapper
        files = [
            replace(f, path=f.path[1:] if len(f.path) > 1 else f.path) for f in files
        ]
    return top, [*files]


def is_metadata(file: HandedFile) -> bool:
    """Whether it is called as what Gradescope knows of an export."""
    return file.path[-1] == METADATA


def gradescopes(files: Sequence[HandedFile]) -> list[tuple[bytes, list[HandedFile]]]:
    """The exports of Gradescope: this one, or the folders of which each is one.

    Among others a student may have written it, to hand in for somebody else.
    """
    if (found := _metadata(files)) is not None:
        return [(found, [*files])]
    folders: dict[str, list[HandedFile]] = defaultdict(list)
    for file in files:
        if len(file.path) > 1:
            first, *rest = file.path
            folders[first].append(replace(file, path=tuple(rest)))
    exports = [unwrapped(first, inside)[1] for first, inside in folders.items()]
    found_in = [(data, e) for e in exports if (data := _metadata(e)) is not None]
    return found_in if len(found_in) == len(exports) else []


def _metadata(files: Sequence[HandedFile]) -> bytes | None:
    """What Gradescope knows of these files, if it exported them."""
    for file in files:
        if file.path == (METADATA,) and file.entry is not None:
            return file.entry.data
    return None
