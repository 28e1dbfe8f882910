"""The diagnoses' own words: one text file each, in ``texts/``.

A course may have a folder of more. They add to forklab's and never replace one: what
`zombie-left` means is the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grader.errors import CatalogError

_OWN = Path(__file__).parent / "texts"
_also: Path | None = None

_SECTIONS = ("What it means", "Why it is wrong", "What to do", "Read")


@dataclass(frozen=True, slots=True)
class DiagnosisText:
    """What is always true of a diagnosis, whatever the program.

    `why` is short enough to stand beside a finding; `cure` may hold code.
    """

    id: str
    title: str
    meaning: str
    why: str
    cure: str
    read: tuple[str, ...]


@contextmanager
def also_from(folder: Path | None) -> Iterator[None]:
    """Meanwhile there are also the diagnoses of a course, if it has that folder."""
    global _also  # `text` is asked deep inside checks, which know no course
    before = _also
    try:
        _look_in(folder)
        yield
    finally:
        _look_in(before)


def _look_in(folder: Path | None) -> None:
    global _also
    _also = folder
    all_ids.cache_clear()
    text.cache_clear()


@cache
def own_ids() -> tuple[str, ...]:
    """The diagnoses that come with forklab, by name."""
    return tuple(sorted(path.stem for path in _OWN.glob("*.md")))


@cache
def all_ids() -> tuple[str, ...]:
    """Every diagnosis that there is, by name."""
    more = [] if _also is None else [path.stem for path in _also.glob("*.md")]
    return tuple(sorted({*own_ids(), *more}))


@cache
def text(diagnosis: str) -> DiagnosisText:
    """The text of one diagnosis.

    Raises ``KeyError`` where there is none, `CatalogError` where its file cannot be
    read.
    """
    if diagnosis not in all_ids():
        raise KeyError(f"there is no diagnosis {diagnosis!r}")
    folder = _OWN if _also is None or diagnosis in own_ids() else _also
    path = folder / f"{diagnosis}.md"
    try:
        return read_text(path)
    except (OSError, ValueError) as error:
        raise CatalogError(f"{path} is no diagnosis: {error}") from error


def read_text(path: Path) -> DiagnosisText:
    """Read a diagnosis's file.

    Raises ``ValueError`` where it does not have its title and the four sections.
    """
    content = path.read_text(encoding="utf-8-sig")
    head, *parts = re.split(r"^## (.+)\n", content, flags=re.MULTILINE)
    sections = dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
    title = head.partition(": ")[2].strip()
    if not head.startswith(f"# {path.stem}: ") or not title:
        raise ValueError(f"its first line is not `# {path.stem}: ` and a title")
    for heading in _SECTIONS:
        if not sections.get(heading):
            raise ValueError(f"it has no section `## {heading}`, or an empty one")
    return DiagnosisText(
        id=path.stem,
        title=title,
        meaning=sections["What it means"],
        why=sections["Why it is wrong"].split("\n\n")[0].replace("\n", " "),
        cure=sections["What to do"],
        read=tuple(re.findall(r"^- (.+)$", sections["Read"], re.MULTILINE)),
    )
