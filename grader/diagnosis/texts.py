"""The diagnoses' own words: one text file each, in ``texts/``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "texts"


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


@cache
def all_ids() -> tuple[str, ...]:
    """Every diagnosis that there is, by name."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.md")))


@cache
def text(diagnosis: str) -> DiagnosisText:
    """The text of one diagnosis.

    Raises ``KeyError`` where there is none, ``ValueError`` where its file does not
    have the four sections.
    """
    try:
        content = (_FOLDER / f"{diagnosis}.md").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise KeyError(f"there is no diagnosis {diagnosis!r}") from None
    head, *parts = re.split(r"^## (.+)\n", content, flags=re.MULTILINE)
    sections = dict(
        zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True)
    )
    try:
        return DiagnosisText(
            id=diagnosis,
            title=head.partition(": ")[2].strip(),
            meaning=sections["What it means"],
            why=sections["Why it is wrong"].split("\n\n")[0].replace("\n", " "),
            cure=sections["What to do"],
            read=tuple(re.findall(r"^- (.+)$", sections["Read"], re.MULTILINE)),
        )
    except KeyError as error:
        raise ValueError(f"{diagnosis}.md has no section {error}") from None
