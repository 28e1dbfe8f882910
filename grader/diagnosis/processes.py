"""How processes were made, ended and collected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from signal import SIGCHLD

from grader.diagnosis.asking import InVain, in_vain, waits_as_its_parent
from grader.diagnosis.finding import found, name, names
from grader.diagnosis.judged import children_of, is_beside
from grader.tracing.recording import (
    HandlerSet,
    Process,
    Recording,
    SignalSent,
    Waited,
    signal_name,
)
from grader.verdict import Finding


def zombies(run: Recording) -> list[Finding]:
    """Children that ended and that nobody collected, although their parent could.

    Processes beside those that were asked for are not looked at.
    """
    those = [process for process in run.processes if not is_beside(run, process)]
    left = [process for process in those if _uncollected(process)]
    if not left:
        return []
    merged = [
        event
        for event in run.of(SignalSent)
        if event.signal == SIGCHLD and event.merged
    ]
    parents = {p.parent for p in left}
    merged = [event for event in merged if run.process(event.target) in parents]
    parent = run.process(merged[0].target) if merged else None
    ended = sum(1 for p in those if p.ended and p.parent is parent)
    collected = ended - len(left)
    # Where no handler collected any, it was not for lack of signals.
    if parent and collected and _handles(parent, SIGCHLD):
        return [
            found(
                "signals-merged",
                f"{ended} children of {name(run, parent)} ended; their SIGCHLDs "
                f"merged while one was pending, and only {collected} "
                f"{'was' if collected == 1 else 'were'} collected: "
                f"{names(run, left)} stayed {_zombie(len(left))}",
                run,
                _last_collecting(parent),
            )
        ]
    return _zombie_left(run, left)


def zombies_beside(run: Recording) -> list[Finding]:
    """Processes beside those that were asked for, which ended and were not collected.

    Whatever the reason.
    """
    those = [process for process in run.processes if is_beside(run, process)]
    return _zombie_left(run, [process for process in those if _uncollected(process)])


def _zombie_left(run: Recording, left: list[Process]) -> list[Finding]:
    if not left:
        return []
    vain = in_vain(left[0])
    return [
        found(
            "zombie-left",
            _zombie_message(run, left, vain),
            run,
            left[0].began.line,
            cure=vain.cure if vain and not left[0].discarded else "",
        )
    ]


def _last_collecting(parent: Process) -> int | None:
    """The line that collects a child for a signal, and not all that have ended."""
    lines = [event.line for event in parent.of(Waited) if event.child]
    return lines[-1] if lines else None


def _handles(process: Process, signal: int) -> bool:
    return any(
        event.signal == signal and event.disposition == "handler"
        for event in process.of(HandlerSet)
    )


def uncollected(run: Recording) -> list[Finding]:
    """Children of the first process whose status it never had."""
    left = [child for child in run.root.children if not child.collected]
    if not left:
        return []
    message = f"{name(run, run.root)} never collected {names(run, left)}"
    return [found("zombie-left", message, run, left[0].began.line)]


def _zombie(count: int) -> str:
    return "a zombie" if count == 1 else "zombies"


def _uncollected(process: Process) -> bool:
    if process.parent is None or process.ended is None or process.collected:
        return False
    if process.is_helper:
        return False
    # An orphan is its adopter's to collect, not this program's.
    return process.orphaned is None


def _zombie_message(run: Recording, left: list[Process], vain: InVain | None) -> str:
    first = left[0]
    parent = first.parent
    if first.discarded:
        return (
            f"{names(run, left)} ended while {name(run, parent)} ignored SIGCHLD: "
            "the kernel threw the status away, so nobody could collect it"
        )
    assert parent is not None
    of_itself = parent.ended is not None and parent.killed_by is None
    them = "it" if len(left) == 1 else "them"
    if vain:
        how = vain.what
    elif of_itself:
        how = f"it ended too without a wait for {them}"
    else:
        how = f"nothing that it did afterwards waited for {them}"
    return (
        f"{names(run, left)} ended, and {name(run, parent)} never collected "
        f"{'its' if len(left) == 1 else 'their'} status: {how}"
    )


def orphans(run: Recording) -> list[Finding]:
    """Processes that outlived their parent."""
    left = [p for p in run.processes if p.orphaned and not p.is_helper]
    if not left:
        return []
    parent = left[0].parent
    was = "was" if len(left) == 1 else "were"
    vain = in_vain(left[0])
    return [
        found(
            "orphan-left",
            f"{name(run, parent)} ended while {names(run, left)} {was} still running"
            + (f": {vain.what}" if vain else ""),
            run,
            left[0].began.line,
            cure=vain.cure if vain else "",
        )
    ]


def child_count(run: Recording, expected: int) -> list[Finding]:
    """Fewer or more processes than asked, or some made by the wrong one.

    Processes beside those that were asked for do not count.
    """
    made = len(children_of(run))
    for process in _made_by(children_of(run)):
        if not is_beside(run, process):
            return [_forked_too(run, process)]
    if made > expected:
        return [
            found(
                "extra-children",
                f"{name(run, run.root)} forked {made} times; it should fork "
                f"{_times(expected)}",
                run,
            )
        ]
    if made < expected:
        asked = "one child" if expected == 1 else f"{expected} children"
        served = [p for p in run.root.descendants() if p.parent and p.parent.is_helper]
        if served:
            message = (
                f"the program should fork {asked} itself, and left that to "
                f"{name(run, served[0].parent)}: {name(run, served[0])} is its child"
            )
            return [found("no-child", message, run)]
        got = "it forked none" if made == 0 else f"it forked {made}"
        others = [child for child in run.root.children if is_beside(run, child)]
        if others:
            got += f": {names(run, others)} did nothing of what a child is to do"
        return [found("no-child", f"the program should fork {asked}, and {got}", run)]
    return []


def forks_of(run: Recording, those: Iterable[Process]) -> list[Finding]:
    """Some of `those` forked too, be it a process beside those that were asked for."""
    made = _made_by(those)
    return [_forked_too(run, made[0])] if made else []


def _made_by(those: Iterable[Process]) -> list[Process]:
    return [made for process in those for made in process.descendants()]


def _forked_too(run: Recording, made: Process) -> Finding:
    return found(
        "extra-children",
        f"{name(run, made.parent)} forked too: {name(run, made)} is its child, and "
        f"only {name(run, run.root)} should fork",
        run,
        made.began.line,
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


_SYNTAX = re.compile(r"^(SyntaxError|IndentationError|TabError): .*", re.MULTILINE)
_OBJECT = re.compile(r"^object repr +: (\w+)\((?:(['\"])(.*)\2)?\)$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_TRACEBACK = re.compile(r'^  File "([^"]+)", line (\d+)', re.MULTILINE)


def traceback_of(process: Process) -> tuple[str, int | None] | None:
    """The last line of a traceback that a process died of, and its program line."""
    # From 3.13 on the interpreter colours what it prints on a terminal.
    text = _COLOUR.sub("", process.errors.decode(errors="replace"))
    start = text.rfind("Traceback (most recent call last):")
    syntax = _SYNTAX.search(text)
    if start < 0 and not syntax:
        return None
    lines = [line for line in text[max(start, 0) :].splitlines() if line.strip()]
    own = [int(number) for _, number in _TRACEBACK.findall(text[max(start, 0) :])]
    last = next(
        (line for line in reversed(lines) if re.match(r"^[\w.]+(:|$)", line)),
        None,
    )
    if last is None:
        # The interpreter could not print it all, and shows the object itself.
        shown = _OBJECT.search(text)
        last = f"{shown[1]}: {shown[3] or ''}" if shown else "an exception"
    # What has no text may still be printed with the colon before it.
    return last.strip().removesuffix(":"), _first_own_line(text[max(start, 0) :], own)


def _first_own_line(text: str, numbers: list[int]) -> int | None:
    """The deepest line of the submission itself, not of the standard library."""
    deepest = None
    for path, number in _TRACEBACK.findall(text):
        if "/lib/python" not in path and not path.startswith("<"):
            deepest = int(number)
    return deepest if deepest is not None else (numbers[-1] if numbers else None)


def deaths(run: Recording, *, expected_signals: tuple[int, ...] = ()) -> list[Finding]:
    """Processes that died of an exception or of a signal that nobody asked for.

    Processes beside those that were asked for may. Where a child died because it ran on
    into its parent's part, that is told first.
    """
    findings: list[Finding] = []
    ran_on: list[Finding] = []
    for process in run.processes:
        if process.ended is None or is_beside(run, process):
            continue
        dead_of = process.killed_by
        if dead_of is not None and dead_of not in expected_signals:
            findings.append(_killed(run, process, dead_of))
            continue
        trace = traceback_of(process)
        # Another code is the program's own choice, whatever it printed before.
        if trace and (process.exit_code == 1 or dead_of):
            message, line = trace
            if message.startswith(_NO_CHILD) and waits_as_its_parent(process):
                ran_on.append(_ran_on(run, process, line))
            findings.append(
                found(
                    "uncaught-exception",
                    f"{name(run, process)} died of {message}",
                    run,
                    line,
                )
            )
    return [*ran_on[:1], *findings]


_NO_CHILD = "ChildProcessError"


def _ran_on(run: Recording, child: Process, line: int | None) -> Finding:
    return found(
        "child-escaped",
        f"{name(run, child)} came to a wait as {name(run, child.parent)} does, and "
        "forked nobody whom it could wait for",
        run,
        line,
        cure="Only the parent has a child to wait for: end the child before that, "
        "where its work is done, with `os._exit(0)`, or put the wait into the "
        "parent's part.",
    )


def _killed(run: Recording, process: Process, signal: int) -> Finding:
    sent = [
        event
        for event in run.of(SignalSent)
        if event.target == process.pid and event.signal == signal
    ]
    by = f", sent by {name(run, sent[-1].pid)}" if sent and sent[-1].pid else ""
    trace = traceback_of(process)
    if trace and signal == 2:
        return found(
            "uncaught-exception",
            f"{name(run, process)} died of {trace[0]} when SIGINT came",
            run,
            trace[1],
        )
    return found(
        "killed-by-signal",
        f"{name(run, process)} was killed by {signal_name(signal)}{by}",
        run,
    )


def exit_codes(run: Recording, expected: dict[int, int]) -> list[Finding]:
    """Processes that ended with another exit code than the one expected of them."""
    findings = []
    for pid, code in expected.items():
        process = run.process(pid)
        if process and process.exit_code is not None and process.exit_code != code:
            findings.append(
                found(
                    "wrong-exit-code",
                    f"{name(run, process)} ended with exit code {process.exit_code}; "
                    f"{code} was asked",
                    run,
                )
            )
    return findings
