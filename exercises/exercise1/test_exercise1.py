"""Checks of exercise 1: fork a child, and wait for it."""

import re

from grader.checking import Submission, assert_that, found, points
from grader.diagnosis import output
from grader.diagnosis.finding import name
from grader.tracing import (
    child_first,
    hold_children,
    hold_parent_until_children_end,
    parent_first,
    take_turns,
)
from grader.tracing.recording import Process, Recording
from grader.verdict import Finding

CHILD = "this is child, pid = {}, parent id = {}"
PARENT = "this is parent, pid = {}, child id = {}"

ANY_ORDER = (
    take_turns,
    parent_first,
    child_first,
    hold_children,
    hold_parent_until_children_end,
)


def _is_like(form: str, line: str) -> bool:
    pattern = re.escape(form).replace(r"\{\}", r"\S+")
    return re.fullmatch(pattern, line) is not None


def _line(run: Recording, form: str, writer: Process, *pids: int) -> list[Finding]:
    """What is wrong with a line that `writer` alone must print, once."""
    wanted = form.format(*pids)
    alike = [line for line in output.all_lines(run) if _is_like(form, line.text)]
    escaped = [line for line in alike if line.process is not writer]
    own = [line for line in alike if line.process is writer]
    if escaped:
        return [output.escaped(run, escaped[0], writer)]
    if not own:
        return output.absent(run, wanted, writer)
    wrong = next((line for line in own if not _is_true(run, line, wanted)), None)
    if wrong:
        return [
            found(
                "wrong-pid",
                f"{name(run, writer)} printed {wrong.text!r}; the kernel knows these "
                f"processes as {wanted!r}",
                run,
            )
        ]
    if len(own) > 1:
        message = f"{name(run, writer)} printed {wanted!r} {len(own)} times"
        return [found("output-duplicated", message, run)]
    return []


def _mixed(run: Recording, form: str, writer: Process) -> list[Finding]:
    """The line is there, and not alone on its line."""

    def is_required(line: str) -> bool:
        return _is_like(CHILD, line) or _is_like(PARENT, line)

    return output.mixed(run, writer, lambda line: _is_like(form, line), is_required)


def _is_true(run: Recording, line: output.Line, wanted: str) -> bool:
    """Whether the pids are right; an orphan's parent is whoever adopted it."""
    if line.text == wanted:
        return True
    kept = wanted.rpartition(" = ")[0]
    return line.process.orphaned is not None and line.text.startswith(kept)


def _child_line(run: Recording) -> list[Finding]:
    child = run.root.children[0]
    return _line(run, CHILD, child, child.pid, run.root.pid)


def _parent_line(run: Recording) -> list[Finding]:
    """Where it has more children than it should, the line may name any of them."""
    printed = output.lines(run.root)
    pids = [child.pid for child in run.root.children]
    named = (pid for pid in pids if PARENT.format(run.root.pid, pid) in printed)
    return _line(run, PARENT, run.root, run.root.pid, next(named, pids[0]))


@points(2)
def test_forks_one_child(program: Submission) -> None:
    """The program forks exactly one child."""
    for run in program.under(take_turns, child_first):
        assert_that(run).forks(1)


@points(2)
def test_child_prints_its_line(program: Submission) -> None:
    """The child prints its line, once, with true pids."""
    program.in_any_order(
        lambda run: (
            assert_that(run)
            .has_child()
            .holds(_child_line(run))
            .holds(_mixed(run, CHILD, run.root.children[0]))
        ),
        *ANY_ORDER,
    )


@points(2)
def test_parent_prints_its_line(program: Submission) -> None:
    """The parent prints its line, once, with true pids."""
    program.in_any_order(
        lambda run: (
            assert_that(run)
            .has_child()
            .holds(_parent_line(run))
            .holds(_mixed(run, PARENT, run.root))
        ),
        *ANY_ORDER,
    )


@points(2)
def test_parent_waits_for_its_child(program: Submission) -> None:
    """The parent waits for its child, in any order of events."""
    program.in_any_order(
        lambda run: (
            assert_that(run)
            .has_child()
            .leaves_no_zombie()
            .leaves_no_orphan()
            .collects_its_children()
        ),
        *ANY_ORDER,
    )


@points(1)
def test_same_lines_when_redirected(program: Submission) -> None:
    """Redirected to a pipe, the output is the same: each line once."""
    for schedule in (take_turns, child_first, hold_children):
        seen = program.run(schedule=schedule)
        run = program.run(schedule=schedule, stdout="pipe")
        assert_that(run).has_child().holds(_redirected(seen, run))


def _redirected(seen: Recording, run: Recording) -> list[Finding]:
    """What the buffer did to the lines that a terminal showed."""
    for form in (CHILD, PARENT):
        on_terminal = [
            line for line in output.all_lines(seen) if _is_like(form, line.text)
        ]
        in_pipe = [line for line in output.all_lines(run) if _is_like(form, line.text)]
        kind = form.partition(",")[0]
        if len(in_pipe) > len(on_terminal):
            return [
                found(
                    "unflushed-fork",
                    f"the line {kind!r} came {len(in_pipe)} times in the pipe and "
                    f"{len(on_terminal)} times on a terminal: the buffer that it "
                    "waited in was copied by fork",
                    run,
                )
            ]
        if len(in_pipe) < len(on_terminal):
            lost = on_terminal[0].process
            who = "the child" if lost.parent else "the parent"
            return [
                found(
                    "unflushed-exit",
                    f"the line {kind!r} came on a terminal and not in the pipe: it "
                    f"still waited in a buffer when {who} ended",
                    run,
                )
            ]
    return [*_child_line(run), *_parent_line(run)]


@points(1)
def test_both_end_with_0(program: Submission) -> None:
    """Parent and child both end with exit code 0."""
    program.in_any_order(
        lambda run: (
            assert_that(run, expected_signals=())
            .ends_well()
            .has_child()
            .exits({process.pid: 0 for process in run.processes})
        ),
        take_turns,
        hold_children,
    )
