"""A new exercise: a small one that is in order, for its author to change."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from grader.catalog import Course, is_name
from grader.errors import UsageError, unwritable
from grader.files import check_makeable, whole_folder

_TEMPLATE = Path(__file__).parent / "template"

# What stands in the template for the exercise's name, in texts and in names of files.
_NAME = "exerciseN"


def make_exercise(name: str, folder: Path) -> list[Path]:
    """Make an exercise in a course, and the course where there is none; the files.

    Nothing is written over, and where it fails nothing is left. Raises `UsageError`
    where there is such an exercise, or there can be none, or the course would lie in no
    folder; `GraderError` where it could
    not be written.
    """
    if not is_name(name):
        raise UsageError(
            f"{name!r} is no exercise's name; call it exercise and a number, such as "
            "exercise9"
        )
    check_makeable(folder)
    course = Course(folder)
    targets = {"exercise": course.exercises / name, "solution": course.solutions / name}
    for target in (*targets.values(), course.hidden / name):
        if os.path.lexists(target):
            raise UsageError(f"{target} is there already; choose another number")
    made: list[Path] = []
    try:
        for part, target in targets.items():
            made += _missing_parents(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_folder(target) as partial:
                _fill(partial, _TEMPLATE / part, name)
            made.append(target)
    except OSError as error:
        _remove(made)
        raise unwritable(error, folder) from error
    return [
        path
        for target in targets.values()
        for path in sorted(target.rglob("*"))
        if path.is_file()
    ]


def _missing_parents(path: Path) -> list[Path]:
    """The folders above a path that are still to be made, the highest first."""
    return [parent for parent in reversed(path.parents) if not parent.exists()]


def _fill(folder: Path, template: Path, name: str) -> None:
    """Have in a folder what the template has."""
    for source in sorted(template.rglob("*")):
        inside = str(source.relative_to(template)).replace(_NAME, name)
        if "__pycache__" in source.parts or source.is_dir():
            continue
        text = source.read_text(encoding="utf-8").replace(_NAME, name)
        (folder / inside).parent.mkdir(exist_ok=True)
        (folder / inside).write_text(text, encoding="utf-8")
    folder.chmod(folder.parent.stat().st_mode & 0o777)


def _remove(made: list[Path]) -> None:
    """Remove what was made: exercises, and folders where nothing else has come."""
    for path in reversed(made):
        if is_name(path.name):
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
