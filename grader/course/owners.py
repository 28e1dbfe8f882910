"""Whose a file is: the names that platforms and people give.

Each platform exports in its own way, and each is known by names that only it makes;
`handed_in` has a table of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from grader.course.archives import METADATA
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
    r"(?P<before>.*?)[-_ ]*(?P<exercise>exercise[-_ ]?\d+(-\d+(?!\w))?( ?\(\d+\))?)"
    r"[-_ ]*(?P<after>.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a folder or a file is, and how a file is called without that.

    `by_platform`: a platform says so, which calls nobody else the same.
    """

    student: str
    name: str = ""
    late: bool = False
    file: str = ""
    by_platform: bool = False


def exercise_of(word: str) -> tuple[str, int] | None:
    """The exercise that a file or folder is named after, and which attempt it is."""
    match = _EXERCISE.fullmatch(word)
    if match is None:
        return None
    return f"exercise{int(match['number'])}", int(match["attempt"] or 0)


def names_an_exercise(word: str) -> bool:
    """Whether some exercise's name is in it, whatever is around that."""
    return _NAMED_FILE.fullmatch(word) is not None


def is_platforms(name: str) -> bool:
    """Whether a platform's export calls a student's folder or file so."""
    return is_surely_platforms(name) or _CANVAS.fullmatch(name) is not None


def is_surely_platforms(name: str) -> bool:
    """Whether nobody else would: a name with two numbers may be anybody's idea."""
    return bool(
        _MOODLE.fullmatch(name)
        or _CANVAS_EXERCISE.fullmatch(name)
        or re.fullmatch(r"submission_\d+", name)
    )


def classroom_prefix(top: str) -> str:
    """What GitHub Classroom writes before each student's name: the assignment's."""
    match = re.fullmatch(r"(.+)-submissions( ?\(\d+\))?", top)
    return f"{match[1]}-" if match else ""


def owner_of_folder(folder: str, prefix: str) -> Owner:
    """Whose a folder is; `prefix`: what is before a student's name."""
    if moodle := _MOODLE.fullmatch(folder):
        return Owner(moodle["id"], moodle["name"], by_platform=True)
    if canvas := _CANVAS.fullmatch(folder):
        late = canvas["late"] is not None
        return Owner(canvas["id"], canvas["name"], late, by_platform=True)
    student = folder.removeprefix(prefix) or folder
    return Owner(student, by_platform=student != folder or is_platforms(folder))


def owner_of_file(word: str, *, alone: bool) -> Owner:
    """Whose a file among those of others is; `alone`: it may be named so."""
    if moodle := _MOODLE.fullmatch(word):
        file = moodle["file"]
        return Owner(moodle["id"], moodle["name"], file=file, by_platform=True)
    canvas = _CANVAS_EXERCISE.fullmatch(word) or _CANVAS.fullmatch(word)
    if canvas:
        late = canvas["late"] is not None
        return Owner(canvas["id"], canvas["name"], late, canvas["file"], True)
    if named := _NAMED_FILE.fullmatch(word):
        parts = [part for part in (named["before"], named["after"]) if part]
        return Owner("_".join(parts), file=named["exercise"])
    return Owner(word if alone else "")


@dataclass(frozen=True, slots=True)
class Submission:
    """What Gradescope knows of a submission: whose it is, and when it came."""

    owners: tuple[Owner, ...]
    when: datetime | None


def gradescope(data: bytes) -> Mapping[str, Submission]:
    """The submissions of an export, by their folders.

    Raises `UsageError` where the data are not Gradescope's.
    """
    found = {}
    for folder, about in _loaded(data).items():
        about = about if isinstance(about, dict) else {}
        owners = tuple(_submitters(about)) or (Owner(str(folder)),)
        found[str(folder)] = Submission(owners, _aware(about.get(":created_at")))
    return found


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
        mark = getattr(error, "problem_mark", None)
        damage = f"line {mark.line + 1} is no YAML" if mark else "a value is none"
        raise UsageError(
            f"{METADATA} is not Gradescope's: {damage}; export it again"
        ) from error
    return known if isinstance(known, dict) else {}


def _aware(when: object) -> datetime | None:
    """A moment as YAML has it, which writes one without a zone in UTC."""
    if not isinstance(when, datetime):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _submitters(about: Mapping[str, Any]) -> list[Owner]:
    """Everybody whose submission it is: several where they work in a group."""
    people = about.get(":submitters")
    found = []
    for person in people if isinstance(people, list) else []:
        if not isinstance(person, dict):
            continue
        keys = (person.get(key) for key in (":sid", ":email", ":name"))
        identity = next((str(key) for key in keys if key), "")
        if identity:
            found.append(Owner(identity, str(person.get(":name") or "")))
    return found
