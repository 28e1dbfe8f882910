"""What was handed in: folders, files and exported archives -> attempts.

Each platform exports in its own way, and each is known by names that only it makes:

    Moodle            Ada Lovelace_4711_assignsubmission_file_/exercise2.py
    Canvas            lovelaceada_LATE_4711_815_exercise2-1.py
    Gradescope        submission_4711/exercise2.py beside submission_metadata.yml
    GitHub Classroom  pipes-submissions/pipes-ada/exercises/exercise2/exercise2.py
    a folder each     ada/exercise2.py
    a file each       ada_exercise2.py, or ada.py where one exercise is graded
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from grader.course.archives import (
    METADATA,
    SUFFIXES,
    Entry,
    is_archive,
    read_archive,
    read_folder,
)
from grader.errors import UsageError

_MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<file>.*)")
_CANVAS = re.compile(
    r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<id>\d+)_(?P<number>\d+)_(?P<file>.+)"
)
_NUMBERED = re.compile(r"(?P<exercise>exercise\d+)(-(?P<attempt>\d+))?")
_NAMED_FILE = re.compile(
    r"(?P<before>.*?)[-_ ]?(?P<exercise>exercise\d+)[-_ ]?(?P<after>.*)"
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A program that somebody handed in for an exercise.

    `student` is whatever tells people apart in what was handed in: a platform's
    number or name, or a folder's name; `name` is a person's, where it is known.
    `late` is what the platform says, before any due date is looked at.
    """

    student: str
    exercise: str
    file: str
    source: bytes
    when: datetime | None = None
    number: int = 0
    name: str = ""
    late: bool = False


def handed_in(path: Path, exercises: Collection[str]) -> list[Attempt]:
    """All attempts in a folder or an archive, for these exercises.

    Raises `UsageError` where nothing can be read there, or nothing of it is a
    submission.
    """
    if path.is_dir():
        entries = read_folder(path) + _packed(path)
    elif path.exists():
        if not is_archive(path):
            raise UsageError(
                f"{path} is neither a folder nor an archive ({', '.join(SUFFIXES)})"
            )
        entries = read_archive(path)
    else:
        raise UsageError(f"{path} does not exist; name the folder of all submissions")
    top = path.name
    for suffix in SUFFIXES:
        top = top.removesuffix(suffix)
    attempts = list(_attempts(*_unwrapped(top, entries, exercises), exercises))
    if not attempts:
        wanted = ", ".join(f"{name}.py" for name in sorted(exercises))
        raise UsageError(
            f"there is no submission in {path}: one is STUDENT/{wanted}, or what "
            "Moodle, Canvas, Gradescope or GitHub Classroom export"
        )
    return attempts


def newest(attempts: Iterable[Attempt]) -> list[Attempt]:
    """The attempt that counts, of each student for each exercise: the last one."""
    last: dict[tuple[str, str], Attempt] = {}
    for attempt in attempts:
        key = attempt.student, attempt.exercise
        if key not in last or _order(attempt) >= _order(last[key]):
            last[key] = attempt
    return [last[key] for key in sorted(last)]


def marked_late(attempt: Attempt, due: datetime | None) -> Attempt:
    """An attempt that is late if it came after it was due, or its platform says so."""
    if due is None or attempt.when is None or attempt.when <= due:
        return attempt
    return replace(attempt, late=True)


def _order(attempt: Attempt) -> tuple[int, datetime, str]:
    when = attempt.when or datetime.min.replace(tzinfo=UTC)
    return attempt.number, when, attempt.file


def _packed(folder: Path) -> list[Entry]:
    """What archives lie in a folder: each is as if it had been unpacked there."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink() and is_archive(path):
            stem = next(path.name[: -len(s)] for s in SUFFIXES if _ends(path, s))
            found += [
                replace(entry, path=PurePosixPath(stem) / entry.path)
                for entry in read_archive(path)
            ]
    return found


def _ends(path: Path, suffix: str) -> bool:
    return path.name.lower().endswith(suffix)


def _unwrapped(
    top: str, entries: list[Entry], exercises: Collection[str]
) -> tuple[str, list[Entry]]:
    """Without folders that hold everything and are nobody's; the name of the last."""
    while len({entry.path.parts[0] for entry in entries}) == 1:
        inner = [
            replace(entry, path=PurePosixPath(*entry.path.parts[1:]))
            for entry in entries
            if len(entry.path.parts) > 1
        ]
        owned = any(e.path.stem in exercises and len(e.path.parts) == 1 for e in inner)
        wrapper = entries[0].path.parts[0]
        if len(inner) < len(entries) or owned or _is_somebodys(wrapper):
            break
        top, entries = wrapper, inner
    return top, entries


def _is_somebodys(name: str) -> bool:
    return bool(_MOODLE.fullmatch(name) or re.fullmatch(r"submission_\d+", name))


def _attempts(
    top: str, entries: Sequence[Entry], exercises: Collection[str]
) -> Iterator[Attempt]:
    metadata = next((e for e in entries if e.path == PurePosixPath(METADATA)), None)
    programs = [entry for entry in entries if entry.path.suffix == ".py"]
    if metadata is not None:
        yield from _of_gradescope(metadata, programs, exercises)
        return
    folders: dict[str, list[Entry]] = defaultdict(list)
    for entry in programs:
        if len(entry.path.parts) > 1:
            folders[entry.path.parts[0]].append(entry)
        else:
            yield from _of_file(entry, exercises)
    prefix = _classroom_prefix(top, folders)
    for folder, inside in folders.items():
        moodle = _MOODLE.fullmatch(folder)
        student = moodle["id"] if moodle else folder.removeprefix(prefix)
        name = moodle["name"] if moodle else ""
        for attempt in _of_folder(inside, exercises):
            yield replace(attempt, student=student, name=name)


def _classroom_prefix(top: str, folders: Collection[str]) -> str:
    """What GitHub Classroom writes before each student's name: the assignment's."""
    assignment = top.removesuffix("-submissions")
    prefix = f"{assignment}-"
    if top != assignment and all(folder.startswith(prefix) for folder in folders):
        return prefix
    return ""


def _of_folder(
    inside: Sequence[Entry], exercises: Collection[str]
) -> Iterator[Attempt]:
    """What one student's folder holds: the file of an exercise that lies highest."""
    found: dict[tuple[str, int], Entry] = {}
    for entry in sorted(inside, key=lambda e: (len(e.path.parts), e.path)):
        match = _NUMBERED.fullmatch(entry.path.stem)
        if match and match["exercise"] in exercises:
            number = int(match["attempt"] or 0)
            found.setdefault((match["exercise"], number), entry)
    if not found and len(exercises) == 1 and len(inside) == 1:
        found[next(iter(exercises)), 0] = inside[0]  # whatever the student called it
    for (exercise, number), entry in found.items():
        yield _attempt("", exercise, entry, number)


def _of_file(entry: Entry, exercises: Collection[str]) -> Iterator[Attempt]:
    """One student's file among those of others."""
    for form in (_MOODLE, _CANVAS):
        match = form.fullmatch(entry.path.stem)
        if not match:
            continue
        numbered = _NUMBERED.fullmatch(match["file"])
        exercise = numbered["exercise"] if numbered else ""
        if not numbered and len(exercises) == 1:
            exercise = next(iter(exercises))
        if exercise in exercises:
            number = int(numbered["attempt"] or 0) if numbered else 0
            late = "late" in match.groupdict() and match["late"] is not None
            attempt = _attempt(match["id"], exercise, entry, number)
            yield replace(attempt, name=match["name"], late=late)
        return
    named = _NAMED_FILE.fullmatch(entry.path.stem)
    if named and named["exercise"] in exercises:
        student = named["before"] or named["after"]
        if student:
            yield _attempt(student, named["exercise"], entry)
    elif len(exercises) == 1 and not named:
        yield _attempt(entry.path.stem, next(iter(exercises)), entry)


def _attempt(student: str, exercise: str, entry: Entry, number: int = 0) -> Attempt:
    return Attempt(
        student, exercise, str(entry.path), entry.data, entry.changed, number
    )


def _of_gradescope(
    metadata: Entry, programs: Sequence[Entry], exercises: Collection[str]
) -> Iterator[Attempt]:
    import yaml

    try:
        known = yaml.safe_load(metadata.data)
    except yaml.YAMLError as error:
        raise UsageError(
            f"{METADATA} is not what Gradescope writes: {error}"
        ) from error
    folders: dict[str, list[Entry]] = defaultdict(list)
    for entry in programs:
        folders[entry.path.parts[0]].append(entry)
    for folder, inside in folders.items():
        about = known.get(folder) if isinstance(known, dict) else None
        about = about if isinstance(about, dict) else {}
        for attempt in _of_folder(inside, exercises):
            for student, name in _submitters(about) or [(folder, "")]:
                when = _aware(about.get(":created_at")) or attempt.when
                yield replace(attempt, student=student, name=name, when=when)


def _aware(when: object) -> datetime | None:
    """A moment as YAML has it, which writes one without a zone in UTC."""
    if not isinstance(when, datetime):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _submitters(about: dict[str, Any]) -> list[tuple[str, str]]:
    """Everybody whose submission it is: several where they work in a group."""
    people = about.get(":submitters")
    return [
        (str(p.get(":sid") or p.get(":email") or p.get(":name")), str(p.get(":name")))
        for p in (people if isinstance(people, list) else [])
        if isinstance(p, dict)
    ]
