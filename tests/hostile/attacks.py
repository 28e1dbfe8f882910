"""Hostile programs, and what is written on top of each.

A program begins with comments: ``# promise:`` is what it attacks, ``# expect:`` the ids
of findings of which its verdict must have one, ``# points:`` the ids of the checks that
it may pass, because it does what they ask for, ``# trouble: any`` that the grader may
give no verdict, because it cannot know whose fault it was. What it manages to do
against the promise it prints, after the word LOOT.

In it ``@COURSE@`` stands for the folder of the course, ``@CLASS@`` for one with the
submissions of others, ``@HOME@`` for the user's home, ``@MARK@`` for the beginning of
the name of whatever it leaves, and ``@BYSTANDER@`` for a process of the grader's that
has no part in grading. No program here aims at any other process: whatever is wrong
with the grader, nobody else on the machine is to suffer from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
MARK = "forklab-hostile-"
_HEAD = r"^# (promise|expect|points|trouble): (.+)$"


@dataclass(frozen=True, slots=True)
class Attack:
    """A hostile program: `source` as it is kept, with places not yet filled in."""

    name: str
    source: str
    promise: str
    expected: frozenset[str]
    earned: frozenset[str]
    may_trouble: bool

    def __str__(self) -> str:
        return self.name

    def aimed(self, places: Mapping[str, object]) -> bytes:
        """Its source, against these places."""
        source = self.source
        for name, place in places.items():
            source = source.replace(f"@{name}@", str(place))
        return source.encode()


def attacks() -> list[Attack]:
    """All programs, by family and name."""
    return [_read(file) for file in sorted(PROGRAMS.glob("*/*.py"))]


def _read(file: Path) -> Attack:
    source = file.read_text(encoding="utf-8")
    head = dict(re.findall(_HEAD, source, re.MULTILINE))
    return Attack(
        f"{file.parent.name}-{file.stem}",
        source,
        head["promise"],
        _ids(head.get("expect", "")),
        _ids(head.get("points", "")),
        head.get("trouble") == "any",
    )


def _ids(listed: str) -> frozenset[str]:
    return frozenset(filter(None, listed.split(", ")))
