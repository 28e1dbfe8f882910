"""One line of the table of measurements."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: `measured` is to be at most `bar`."""

    what: str
    measured: float
    bar: float
    shown: str = "{:.2f}"
    says: str = ""

    def __str__(self) -> str:
        """The row as the table shows it."""
        verdict = "" if self.measured <= self.bar else "   MISSED"
        measured, bar = self.shown.format(self.measured), self.shown.format(self.bar)
        return f"{self.what:<62}{measured:>9}{bar:>9}{verdict}   {self.says}".rstrip()
