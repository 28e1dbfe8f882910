"""What was handed in: folders, files and exported archives -> attempts.

Each platform exports in its own way, and each is known by names that only it makes:

    Moodle            Ada Lovelace_4711_assignsubmission_file_/exercise2.py
    Canvas            lovelaceada_LATE_4711_815_exercise2-1.py
    Gradescope        submission_4711/exercise2.py beside submission_metadata.yml
    GitHub Classroom  pipes-submissions/pipes-ada/exercises/exercise2/exercise2.py
    a folder each     ada/exercise2.py, or exercise2/ada/exercise2.py
    a file each       ada_exercise2.py, or ada.py where one exercise is graded

What fits none of these is not graded, and told.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from grader.course.archives import METADATA, SUFFIXES, Entry, is_archive, read, stem
from grader.errors import UsageError

_MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<file>.*)")
_CANVAS = re.compile(
    r"(?P<name>.+?)(?P<late>_LATE)?_(?P<id>\d+)_(?P<number>\d+)_(?P<file>.+)"
)
# A name may have underscores and numbers of its own; what follows it has fewer.
_CANVAS_EXERCISE = re.compile(
    r"(?P<name>.+?)(?P<late>_LATE)?_(?P<id>\d+)_(?P<number>\d+)_"
    r"(?P<file>exercise[-_ ]?\d+(-\d+)?( \(\d+\))?)",
    re.IGNORECASE,
)
_EXERCISE = re.compile(
    r"exercise[-_ ]?(?P<number>\d+)(-(?P<attempt>\d+))?( ?\(\d+\))?", re.IGNORECASE
)
_NAMED_FILE = re.compile(
    r"(?P<before>.*?)[-_ ]*(?P<exercise>exercise[-_ ]?\d+)[-_ ]*(?P<after>.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A program that somebody handed in for an exercise.

    `student` is whatever tells people apart in what was handed in: a platform's
    number or name, or a folder's name; `name` is a person's, where it is known.
    `number` counts attempts where the platform does, and `late` is what it says,
    before any due date is looked at.
    """

    student: str
    exercise: str
    file: str
    source: bytes
    when: datetime | None = None
    number: int = 0
    name: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True)
class HandedIn:
    """All attempts, and what lay there and is none: a sentence each."""

    attempts: list[Attempt]
    ignored: list[str]


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose a folder or a file is, and how a file is called without that."""

    student: str
    name: str = ""
    late: bool = False
    file: str = ""


def handed_in(path: Path, exercises: Collection[str]) -> HandedIn:
    """All attempts in a folder or an archive, for these exercises.

    Raises `UsageError` where nothing can be read there, or nothing of it is a
    submission.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist; name the folder of all submissions")
    if not path.is_dir() and not is_archive(path):
        raise UsageError(
            f"{path} is neither a folder nor an archive ({', '.join(SUFFIXES)})"
        )
    found = read(path)
    top, entries = _unwrapped(stem(path.resolve()), found.entries)
    attempts = list(_attempts(top, entries, exercises))
    if not attempts:
        wanted = ", ".join(f"{name}.py" for name in sorted(exercises))
        raise UsageError(
            f"there is no submission in {path}: one is STUDENT/{wanted}, or what "
            "Moodle, Canvas, Gradescope or GitHub Classroom export"
        )
    used = {attempt.file for attempt in attempts}
    unused = [str(e.path) for e in entries if e.path.suffix == ".py"]
    unused = [f"{file} was not graded" for file in unused if file not in used]
    return HandedIn(attempts, [*found.problems, *unused])


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


def _exercise(word: str) -> tuple[str, int] | None:
    """The exercise that a file or folder is named after, and which attempt it is."""
    match = _EXERCISE.fullmatch(word)
    if match is None:
        return None
    return f"exercise{int(match['number'])}", int(match["attempt"] or 0)


def _is_of_exercises(folder: str) -> bool:
    return folder.lower() == "exercises" or _exercise(folder) is not None


def _unwrapped(top: str, entries: list[Entry]) -> tuple[str, list[Entry]]:
    """Without folders that hold everything and are nobody's; the name of the last."""
    while len({entry.path.parts[0] for entry in entries}) == 1:
        wrapper = entries[0].path.parts[0]
        parts = [entry.path.parts[1:] for entry in entries]
        if not all(parts) or _is_of_exercises(wrapper) or _is_somebodys(wrapper):
            break
        if any(map(_is_own_work, parts)):
            break
        top = wrapper
        entries = [
            replace(entry, path=PurePosixPath(*inner))
            for entry, inner in zip(entries, parts, strict=True)
        ]
    return top, entries


def _is_own_work(parts: Sequence[str]) -> bool:
    """Whether a file lies in its owner's folder, as `grade` would find it there."""
    first, last = parts[0], PurePosixPath(parts[-1]).stem
    if first.lower() == "exercises":
        return True
    if _exercise(last) is None:
        return False
    return len(parts) == 1 or (len(parts) == 2 and _exercise(first) is not None)


def _is_somebodys(name: str) -> bool:
    return bool(
        _MOODLE.fullmatch(name)
        or _CANVAS.fullmatch(name)
        or re.fullmatch(r"submission_\d+", name)
    )


def _attempts(
    top: str, entries: Sequence[Entry], exercises: Collection[str]
) -> Iterator[Attempt]:
    metadata = next((e for e in entries if e.path == PurePosixPath(METADATA)), None)
    programs = [entry for entry in entries if entry.path.suffix == ".py"]
    if metadata is not None:
        yield from _of_gradescope(metadata, programs, exercises)
        return
    flat: dict[_Owner, list[tuple[str, Entry]]] = defaultdict(list)
    folders: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in programs:
        first, *rest = entry.path.parts
        by_exercise = _exercise(first)
        if rest and by_exercise:
            # A folder an exercise: what lies in it is a student's each.
            if by_exercise[0] not in exercises:
                continue
            if len(rest) > 1:
                folders[rest[0], by_exercise[0]].append(entry)
            else:
                owner = _owner_of_file(entry.path.stem, alone=True)
                flat[owner].append((by_exercise[0], entry))
        elif rest:
            folders[first, ""].append(entry)
        else:
            owner = _owner_of_file(entry.path.stem, alone=len(exercises) == 1)
            flat[owner].append((owner.file, entry))
    for owner, files in flat.items():
        yield from _of_owner(owner, files, exercises)
    prefix = _classroom_prefix(top)
    for (folder, exercise), inside in folders.items():
        owner = _owner_of_folder(folder, prefix)
        wanted = [exercise] if exercise else exercises
        yield from _of_folder(owner, inside, wanted)


def _classroom_prefix(top: str) -> str:
    """What GitHub Classroom writes before each student's name: the assignment's."""
    match = re.fullmatch(r"(.+)-submissions( ?\(\d+\))?", top)
    return f"{match[1]}-" if match else ""


def _owner_of_folder(folder: str, prefix: str) -> _Owner:
    if moodle := _MOODLE.fullmatch(folder):
        return _Owner(moodle["id"], moodle["name"])
    if canvas := _CANVAS.fullmatch(folder):
        return _Owner(canvas["id"], canvas["name"], canvas["late"] is not None)
    return _Owner(folder.removeprefix(prefix) or folder)


def _owner_of_file(word: str, *, alone: bool) -> _Owner:
    """Whose a file among those of others is; `alone`: it may be named so."""
    if moodle := _MOODLE.fullmatch(word):
        return _Owner(moodle["id"], moodle["name"], file=moodle["file"])
    canvas = _CANVAS_EXERCISE.fullmatch(word) or _CANVAS.fullmatch(word)
    if canvas:
        late = canvas["late"] is not None
        return _Owner(canvas["id"], canvas["name"], late, canvas["file"])
    if named := _NAMED_FILE.fullmatch(word):
        parts = [part for part in (named["before"], named["after"]) if part]
        return _Owner("_".join(parts), file=named["exercise"])
    return _Owner(word if alone else "")


def _of_owner(
    owner: _Owner, files: Sequence[tuple[str, Entry]], exercises: Collection[str]
) -> Iterator[Attempt]:
    """One student's files among those of others."""
    if not owner.student:
        return
    named = [(found, e) for word, e in files if (found := _exercise(word))]
    if not named and len(exercises) == 1 and len(files) == 1:
        named = [((next(iter(exercises)), 0), files[0][1])]
    for (exercise, number), entry in named:
        if exercise in exercises:
            yield _attempt(owner, exercise, entry, number)


def _of_folder(
    owner: _Owner, inside: Sequence[Entry], exercises: Collection[str]
) -> Iterator[Attempt]:
    """What one student's folder holds: the file of an exercise that lies highest."""
    found: dict[str, Entry] = {}
    for entry in sorted(inside, key=lambda e: (len(e.path.parts), e.path)):
        match = _exercise(entry.path.stem)
        if match and match[0] in exercises:
            found.setdefault(match[0], entry)
    if not found and len(exercises) == 1 and len(inside) == 1:
        found[next(iter(exercises))] = inside[0]  # whatever the student called it
    for exercise, entry in found.items():
        yield _attempt(owner, exercise, entry, 0)


def _attempt(owner: _Owner, exercise: str, entry: Entry, number: int) -> Attempt:
    return Attempt(
        owner.student,
        exercise,
        str(entry.path),
        entry.data,
        entry.changed,
        number,
        owner.name,
        owner.late,
    )


def _of_gradescope(
    metadata: Entry, programs: Sequence[Entry], exercises: Collection[str]
) -> Iterator[Attempt]:
    known = _loaded(metadata.data)
    folders: dict[str, list[Entry]] = defaultdict(list)
    for entry in programs:
        folders[entry.path.parts[0]].append(entry)
    for folder, inside in folders.items():
        about = known.get(folder)
        about = about if isinstance(about, dict) else {}
        when = _aware(about.get(":created_at"))
        for owner in _submitters(about) or [_Owner(folder)]:
            for attempt in _of_folder(owner, inside, exercises):
                yield replace(attempt, when=when or attempt.when)


def _loaded(data: bytes) -> Mapping[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """Takes objects of Gradescope's own language for what they are made of."""

    def plain(loader: Loader, _: str, node: yaml.Node) -> object:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return node.value

    Loader.add_multi_constructor("!", plain)
    try:
        known = yaml.load(data, Loader)  # it makes no objects
    except (yaml.YAMLError, ValueError) as error:
        why = " ".join(str(error).split())
        raise UsageError(f"{METADATA} is not Gradescope's: {why}") from error
    return known if isinstance(known, dict) else {}


def _aware(when: object) -> datetime | None:
    """A moment as YAML has it, which writes one without a zone in UTC."""
    if not isinstance(when, datetime):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _submitters(about: Mapping[str, Any]) -> list[_Owner]:
    """Everybody whose submission it is: several where they work in a group."""
    people = about.get(":submitters")
    found = []
    for person in people if isinstance(people, list) else []:
        if not isinstance(person, dict):
            continue
        keys = (person.get(key) for key in (":sid", ":email", ":name"))
        identity = next((str(key) for key in keys if key), "")
        if identity:
            found.append(_Owner(identity, str(person.get(":name") or "")))
    return found
