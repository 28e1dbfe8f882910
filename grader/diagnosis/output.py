"""Required lines: absent, different, twice, or printed by the wrong process."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from grader.diagnosis.finding import found, name
from grader.tracing.recording import Process, Recording
from grader.verdict import Finding


@dataclass(frozen=True, slots=True)
class Line:
    """A line that some process printed, without trailing white space."""

    text: str
    process: Process


def lines(process: Process) -> list[str]:
    """The lines that one process printed on standard output."""
    text = process.output.decode(errors="replace")
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def all_lines(run: Recording) -> list[Line]:
    """The lines that the program printed, process by process."""
    return [Line(line, process) for process in run.processes for line in lines(process)]


def similar(run: Recording, wanted: str) -> Line | None:
    """The printed line that is most like `wanted` and yet differs from it."""

    def likeness(line: Line) -> float:
        return difflib.SequenceMatcher(
            None, _without_numbers(line.text), _without_numbers(wanted)
        ).ratio()

    best = max(all_lines(run), key=likeness, default=None)
    return best if best and likeness(best) >= 0.7 else None


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+", "0", text.casefold())


def absent(run: Recording, wanted: str, who: Process | None = None) -> list[Finding]:
    """A required line that nobody printed in that form."""
    close = similar(run, wanted)
    by = f"{name(run, who)} should print" if who else "the program should print"
    if close:
        return [
            found(
                "output-wrong",
                f"{by} {wanted!r}, and {name(run, close.process)} printed "
                f"{close.text!r}",
                run,
            )
        ]
    return [found("output-missing", f"{by} {wanted!r}, and it did not", run)]


def sequence(run: Recording, wanted: list[str], got: list[str]) -> list[Finding]:
    """Lines that must come in this order, each exactly as often as it stands there."""
    if wanted == got:
        return []
    for at, line in enumerate(wanted):
        seen = got[at] if at < len(got) else None
        if seen == line:
            continue
        if got.count(line) > wanted.count(line):
            return [_twice(run, line, got.count(line))]
        if seen is not None and got.count(seen) > wanted.count(seen) > 0:
            return [_twice(run, seen, got.count(seen))]
        if line not in got:
            instead = f" after {wanted[at - 1]!r}" if at else ""
            close = similar(run, line)
            if close and close.text not in wanted:
                return absent(run, line)
            return [
                found(
                    "output-missing",
                    f"the line {line!r} is missing{instead}",
                    run,
                )
            ]
        return [
            found(
                "output-wrong",
                f"line {at + 1} should be {line!r}, and it is {seen!r}: the lines are "
                "out of order",
                run,
            )
        ]
    extra = got[len(wanted)]
    if extra in wanted:
        return [_twice(run, extra, got.count(extra))]
    return [found("output-wrong", f"the line {extra!r} is one too many", run)]


def _twice(run: Recording, line: str, count: int) -> Finding:
    return found("output-duplicated", f"the line {line!r} came {count} times", run)
