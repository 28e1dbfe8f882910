"""Required lines: absent, different, twice, or printed by the wrong process.

A line is one process's, whatever the others print meanwhile. Where what two of them
printed stands on one line, that is a fault of its own, see `mixed`.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter

from grader.diagnosis.finding import found, name
from grader.tracing.recording import Process, Recording, Wrote
from grader.verdict import Finding


@dataclass(frozen=True, slots=True)
class Line:
    """A line that some process printed, without trailing white space."""

    text: str
    process: Process


def lines(process: Process, before: int | None = None) -> list[str]:
    """The lines that one process printed on standard output, before an event."""
    text = process.output_before(before).decode(errors="replace")
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def ended_by(process: Process) -> Iterator[tuple[str, Wrote]]:
    """Each line that one process printed, and the write that its end is in.

    Without trailing white space. Of a last line without an end, that is the last write.
    """
    rest, last = b"", None
    for last in (event for event in process.of(Wrote) if event.is_output):
        *whole, rest = (rest + last.data).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip(), last
    if last and rest.strip():
        yield rest.decode(errors="replace").rstrip(), last


def all_lines(run: Recording) -> list[Line]:
    """The lines that the program printed, process by process."""
    return [Line(line, process) for process in run.processes for line in lines(process)]


def similar(run: Recording, wanted: str, who: Process | None = None) -> Line | None:
    """The line, printed by `who` or anybody, that is most like `wanted`."""
    close = similar_lines(run, wanted, who)
    return max(close, key=lambda line: _likeness(line.text, wanted), default=None)


def similar_lines(
    run: Recording, wanted: str, who: Process | None = None
) -> list[Line]:
    """The lines, printed by `who` or anybody, that are much like `wanted`."""
    printers = [who] if who else run.processes
    return [
        Line(line, process)
        for process in printers
        for line in lines(process)
        if _likeness(line, wanted) >= 0.7
    ]


def _likeness(line: str, wanted: str) -> float:
    """From 0 to 1, whatever the numbers in them."""
    return difflib.SequenceMatcher(
        None, _without_numbers(line), _without_numbers(wanted)
    ).ratio()


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+", "0", text.casefold())


def absent(run: Recording, wanted: str, who: Process | None = None) -> list[Finding]:
    """A required line that nobody printed in that form."""
    close = similar(run, wanted, who)
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
    instead = _elsewhere(run, wanted, who)
    return [found("output-missing", f"{by} {wanted!r}, and it did not{instead}", run)]


def _elsewhere(run: Recording, wanted: str, who: Process | None) -> str:
    """Who printed the line in the place of `who`, or where else it went."""
    for line in all_lines(run):
        if who and line.text == wanted and line.process is not who:
            return f": {name(run, line.process)} printed it"
    for process in run.processes:
        complaints = process.errors.decode(errors="replace").splitlines()
        if wanted in map(str.rstrip, complaints):
            return f": {name(run, process)} wrote it to standard error"
    return ""


def differs(run: Recording, wanted: list[str], among: Sequence[str]) -> list[Finding]:
    """The first process, and it alone, should print these lines in this order.

    `among` are beginnings of lines; others are the student's own business.
    """

    def counts(line: str) -> bool:
        return line.startswith(tuple(among))

    got = [line for line in lines(run.root) if counts(line)]
    wrong = sequence(run, wanted, got) or mixed(run, run.root, counts, counts)
    return [*foreign(run, among), *wrong]


def sequence(run: Recording, wanted: list[str], got: list[str]) -> list[Finding]:
    """Lines that must come in this order, each exactly as often as it stands there."""
    if wanted == got:
        return []
    missing = Counter(wanted) - Counter(got)
    too_many = Counter(got) - Counter(wanted)
    if missing and not too_many:
        line = next(line for line in wanted if missing[line])
        close = similar(run, line)
        if close and close.text not in wanted:
            return absent(run, line)
        before = wanted.index(line) - 1
        after = f" after {wanted[before]!r}" if before >= 0 else ""
        return [found("output-missing", f"the line {line!r} is missing{after}", run)]
    if too_many and not missing:
        line = next(line for line in got if too_many[line])
        if line in wanted:
            return [_twice(run, line, got.count(line))]
        return [found("output-wrong", f"the line {line!r} is one too many", run)]
    at = next(i for i, line in enumerate(wanted) if got[i : i + 1] != [line])
    is_ = f"it is {got[at]!r}" if at < len(got) else "there is none"
    order = "" if missing else ": the lines are out of order"
    message = f"line {at + 1} should be {wanted[at]!r}, and {is_}{order}"
    return [found("output-wrong", message, run)]


def foreign(run: Recording, beginnings: Sequence[str]) -> list[Finding]:
    """Lines of the first process that another one printed."""
    for line in all_lines(run):
        ours = line.process is run.root
        if not ours and line.text.startswith(tuple(beginnings)):
            return [escaped(run, line, run.root)]
    return []


def escaped(run: Recording, line: Line, writer: Process) -> Finding:
    """A process printed a line that `writer` is to print, be it of whoever's words."""
    return found(
        "child-escaped",
        f"{name(run, line.process)} printed {line.text!r}, which is "
        f"{name(run, writer)}'s line",
        run,
        cure=_who_is_to_print(line.process, writer),
    )


def _who_is_to_print(process: Process, writer: Process) -> str:
    """What to do about it; empty where `process` came to a part that follows its own.

    The writer is then who forked it, or another child of the same process.
    """
    if writer in process.descendants():
        return (
            "Let the child print its line itself, where fork returned 0, and let the "
            "parent leave it to the child."
        )
    if writer.parent is not None and process in writer.descendants():
        return (
            "Fork once: the process in which fork returned 0 is the child, and prints "
            "its line itself."
        )
    return ""


def mixed(
    run: Recording,
    writer: Process,
    is_wanted: Callable[[str], bool],
    is_required: Callable[[str], bool],
) -> list[Finding]:
    """A wanted line of `writer` that is on one line with what another one printed.

    `is_required` is said of each line that anybody is to print: who leaves such a line
    open is told that, and not who prints the next one.
    """
    for open_, behind in _left_open(run):
        if open_.process is writer and is_wanted(open_.text):
            message = (
                f"{name(run, writer)} printed {open_.text!r} and left the line open, "
                f"and {name(run, behind.process)} printed {behind.text!r} behind it"
            )
            return [found("lines-mixed", message, run)]
        spoilt = behind.process is writer and is_wanted(behind.text)
        if spoilt and not is_required(open_.text):
            message = (
                f"{name(run, writer)} printed {behind.text!r} on a line that "
                f"{name(run, open_.process)} had begun with {open_.text!r}"
            )
            return [found("lines-mixed", message, run)]
    return []


def _left_open(run: Recording) -> Iterator[tuple[Line, Line]]:
    """What a process printed without the line's end, and what another one behind it."""
    processes = {process.pid: process for process in run.processes}
    for pieces in _as_shown(run):
        parts = [
            Line(b"".join(map(itemgetter(1), some)).decode(errors="replace"), who)
            for who, some in groupby(pieces, key=lambda piece: processes[piece[0]])
        ]
        # White space alone spoils no line.
        seen = [Line(part.text.rstrip(), part.process) for part in parts]
        for open_, behind in pairwise(part for part in seen if part.text):
            if open_.process is not behind.process:
                yield open_, behind


def _as_shown(run: Recording) -> Iterator[list[tuple[int, bytes]]]:
    """The lines that the program printed, in pieces: whose each is, and its bytes."""
    pieces: list[tuple[int, bytes]] = []
    for event in run.of(Wrote):
        if event.is_output:
            *ends, rest = event.data.split(b"\n")
            for end in ends:
                yield [*pieces, (event.pid, end)]
                pieces = []
            pieces.append((event.pid, rest))
    yield pieces


def cut_off(run: Recording, wanted: list[str]) -> list[Finding]:
    """The first process ended of itself in the middle of a line that it printed."""
    text = "".join(f"{line}\n" for line in wanted)
    printed = run.root.output.decode(errors="replace")
    last = printed.rpartition("\n")[2]
    if run.root.exit_code is None or not last or not text.startswith(printed):
        return []
    return [
        found(
            "unflushed-exit",
            f"what {name(run, run.root)} printed stops after {last!r}, within a line: "
            "the rest still waited in a buffer when it ended",
            run,
        )
    ]


def _twice(run: Recording, line: str, count: int) -> Finding:
    return found("output-duplicated", f"the line {line!r} came {count} times", run)
