"""Which config file a command uses: one that is named, or one that is found and safe.

Whoever can write a config file decides what is graded and how. A file that is named is
what its user wants. One that only lies around is used where it cannot be a student's:

* never by a command that runs one person's work, which is often called in that
  person's folder: a job of CI runs ``grade exercise2`` in what the student pushed;
* never from inside of the submissions that are graded;
* never where another user owns it, or everybody may write it, as below /tmp.
"""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_NAME = "forklab.toml"
VARIABLE = "FORKLAB_CONFIG"

# How commands call the one person's work that they run.
_ONE_PERSONS = ("submission", "program")


def chosen(given: argparse.Namespace) -> Path | None:
    """The config file of a command that was given these arguments, if it has one.

    A file that is found and not used is told.
    """
    if getattr(given, "no_config", False):
        return None
    named = getattr(given, "config", None) or os.environ.get(VARIABLE)
    if named:
        return Path(named)
    for path in _around():
        reason = _danger(path, given)
        if reason is None:
            return path
        _tell(path, reason)
        if _runs_one_persons(given):
            break
    return None


def _around() -> Iterator[Path]:
    """The files of that name in this folder and those around it, the nearest first.

    What is above a repository, or a home, is another matter.
    """
    try:
        here = Path.cwd()
    except OSError:  # it was removed
        return
    home = Path.home()
    for folder in (here, *here.parents):
        path = folder / FILE_NAME
        if os.path.lexists(path):
            yield Path(FILE_NAME) if folder == here else path
        if folder == home or os.path.lexists(folder / ".git"):
            return


def _danger(path: Path, given: argparse.Namespace) -> str | None:
    """Why a file that was found is not used, or None where it is."""
    if _runs_one_persons(given):
        return "whoever wrote the program may have written it too"
    submissions = getattr(given, "submissions", None)
    if submissions is not None and _lies_in(path, Path(submissions)):
        return f"it lies in {submissions}, among what is graded"
    try:
        for status in (path.lstat(), path.stat()):
            if status.st_uid not in (os.geteuid(), 0):
                return "it belongs to another user"
            if stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_IWOTH:
                return "everybody may write it"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return None


def _runs_one_persons(given: argparse.Namespace) -> bool:
    return any(hasattr(given, name) for name in _ONE_PERSONS)


def _lies_in(path: Path, folder: Path) -> bool:
    """Whether a file, or what it is a link to, lies in a folder or below it."""
    inside = folder.resolve()
    places = (path.parent.resolve(), path.resolve())
    return any(place.is_relative_to(inside) for place in places)


def _tell(path: Path, reason: str) -> None:
    from grader.report.text import one_line

    print(
        f"grade: {one_line(str(path))} is not used: {one_line(reason)}; say --config "
        "FILE or --no-config",
        file=sys.stderr,
    )
