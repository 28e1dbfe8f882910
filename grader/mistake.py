"""What is said where the checks of a course are wrong themselves.

That is a mistake of whoever wrote them: neither of the submission nor of this machine.
Whoever reads what is said knows it by its words, since it passes through JSON.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from grader.errors import CatalogError

_OF_A_CHECK = "the check could not be run to its end: a mistake in "
_OF_ITS_FILE = "a mistake in "

_SAID = re.compile(
    r"the checks? could not be run(?: to its end)?: a mistake in "
    r"(?P<path>.+?\.(?:py|md))(?:, line (?P<line>\d+))?: (?P<what>.*)",
    re.DOTALL,
)
_PACKAGE = Path(__file__).parent

# What pytest says of an argument that it does not know, and of the place.
_UNKNOWN_ARGUMENT = re.compile(r"fixture '(\w+)' not found")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Mistake:
    """One that was told: the file, the line where it is known, and what it is."""

    path: Path
    line: int | None
    what: str

    @property
    def place(self) -> str:
        """The file and the line."""
        return f"{self.path}" + (f", line {self.line}" if self.line else "")


def told_in(trouble: str) -> Mistake | None:
    """The mistake in the checks that a verdict tells of, if it is one."""
    said = _SAID.match(trouble)
    if said is None:
        return None
    line = said["line"]
    return Mistake(Path(said["path"]), int(line) if line else None, said["what"])


def of_check(error: BaseException, checks: Path) -> str | None:
    """What there is to say of what a check in that file raised, in one line.

    None where it is no mistake of the check: the machine had no room, say.
    """
    if isinstance(error, CatalogError):  # it says which of the course's files
        return _OF_A_CHECK + str(error).replace(" is no diagnosis: ", ": ", 1)
    frames = traceback.extract_tb(error.__traceback__)
    own = [place for place, frame in enumerate(frames) if frame.filename == str(checks)]
    if not own or isinstance(error, MemoryError):
        return None
    frame, deepest = frames[own[-1]], Path(frames[-1].filename)
    deeper = deepest.is_relative_to(_PACKAGE) and own[-1] < len(frames) - 1
    if deeper and isinstance(error, OSError):
        return None
    what = _in_a_line(error)
    if isinstance(error, AssertionError) and not str(error):
        what = f"{what} in `{frame.line}`"
    if isinstance(error, AssertionError):
        what += "; what a program does wrong is told by assert_that(...).is_"
    if deeper and not isinstance(error, KeyError):
        what += f" (raised in {deepest}, line {frames[-1].lineno})"
    return f"{_OF_A_CHECK}{checks}, line {frame.lineno}: {what}"


def of_arguments(report: str) -> str | None:
    """What there is to say where pytest knows nothing of an argument of a check.

    `report` is what pytest says, at the end of which it names file and line.
    """
    name = _UNKNOWN_ARGUMENT.search(report)
    place = re.fullmatch(r"(.+):(\d+)", report.strip().rpartition("\n")[2])
    if name is None or place is None:
        return None
    return (
        f"{_OF_A_CHECK}{place[1]}, line {place[2]}: it takes the argument {name[1]!r}, "
        "and nothing of that name is there; what a check is given is called 'program'"
    )


def of_file(path: Path, report: str) -> str:
    """What there is to say of a file that pytest could not load."""
    lines = report.strip().splitlines() or ["it cannot be loaded"]
    why = lines[-1].removeprefix("E ").strip()
    # Where the file itself was at work last.
    places = re.findall(rf"^\S*{re.escape(path.name)}:(\d+): in ", report, re.MULTILINE)
    line = f", line {places[-1]}" if places else ""
    return f"{_OF_ITS_FILE}{path}{line}: {why}"


def _in_a_line(error: BaseException) -> str:
    said = traceback.format_exception_only(error)[-1]
    return " ".join(said.split())[:_LONGEST]
