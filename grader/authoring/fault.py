"""What is wrong with a course."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: `what` names the file, `cure` says what to do."""

    what: str
    cure: str

    @classmethod
    def in_file(cls, path: Path, what: str, cure: str) -> Fault:
        """A fault of one file or folder, named as it is seen from here."""
        here = Path.cwd()
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        return cls(f"{shown}: {what}", cure)

    def __str__(self) -> str:
        """The fault in one sentence."""
        return f"{self.what}; {self.cure}"
