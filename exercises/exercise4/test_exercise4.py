"""Checks of exercise 4: a SIGCHLD handler that collects every child."""

import re
from signal import SIGCHLD, SIGTERM

from grader.checking import Assertion, Submission, assert_that, found, judged, points
from grader.diagnosis import handlers, output, processes
from grader.diagnosis.finding import name
from grader.diagnosis.judged import children_of
from grader.tracing import (
    Schedule,
    child_first,
    hold_children,
    hold_children_then_parent,
    hold_parent_until_children_end,
    pairs,
    parent_first,
)
from grader.tracing.recording import (
    Executed,
    Process,
    Recording,
    SignalDelivered,
    SignalSent,
    signal_name,
)
from grader.verdict import Finding

CHILD = "this is child, pid = {}, parent id = {}"
PARENT = "this is parent, pid = {}, child id = {}"
FINISH = "Child {} Finish, status = {}"

# Who runs until SIGTERM is still there when nobody has sent it for so long, in seconds.
A_DAY = 86_400


def _at_rest(
    program: Submission, children: int | None, schedule: Schedule
) -> Recording:
    """Run until nothing can go on, and then to SIGTERM."""
    arguments = () if children is None else (children,)
    run = program.until_terminated(*arguments, schedule=schedule)
    return _judged(run, children or 1)


def _forks(run: Recording, count: int) -> Assertion:
    """Assert facts of a run, if there are as many children as that.

    Whose handler ended the program while it still forked, it is told that.
    """
    children = children_of(run)
    called = any(event.action == "handler" for event in run.root.of(SignalDelivered))
    if called and 0 < len(children) < count:
        # What follows a fork comes after the handler that runs behind it.
        line = PARENT.format(run.root.pid, children[-1].pid)
        if line not in output.lines(run.root):
            assert_that(run).holds(_ended_early(run))
    return assert_that(run).forks(count)


def _judged(run: Recording, count: int) -> Recording:
    """A run that should have `count` children: who else is there is no concern."""
    return judged(run, beside=_helpers(run, count))


def _helpers(run: Recording, count: int) -> frozenset[Process]:
    """The processes beside the children, which were not asked for, nor forbidden.

    ``subprocess`` makes such for a command, `multiprocessing` for a manager, and who
    forks a writer of a log is one's own. None of them prints a line as a child does,
    or has one that the parent prints for each child: by that they are told apart.
    Where too few take part so, a child may have forgotten its line: whoever has become
    no other program counts then, and where nobody is left, all do.
    """
    made, own = list(run.root.descendants()), run.root.children
    if len(made) <= count and not any(process.of(Executed) for process in made):
        return frozenset()  # in short, for nearly all
    told = output.similar_lines(run, PARENT.format(0, 0), run.root)
    told_of = {int(n) for line in told for n in re.findall(r"\d+", line.text)}
    certain = [c for c in own if c.pid in told_of or _takes_part(run, c)]
    children = certain
    if len(certain) < count:
        children = [c for c in own if c in certain or not c.of(Executed)] or own
    helpers = {child for child in own if child not in children}
    for child in own:
        helpers |= {
            process
            for process in child.descendants()
            if child in helpers or not _takes_part(run, process)
        }
    return frozenset(helpers)


def _takes_part(run: Recording, process: Process) -> bool:
    """Whether a process, or one that it made, prints what the exercise is about."""
    return any(
        output.similar(run, form.format(0, 0), one)
        for one in (process, *process.descendants())
        for form in (CHILD, PARENT, FINISH)
    )


def _ended_early(run: Recording) -> list[Finding]:
    ended = run.root.ended
    if ended is None or _alive(run):
        return []
    if run.root.killed_by:
        how = f"of {signal_name(run.root.killed_by)}"
    else:
        how = f"with exit code {run.root.exit_code}"
    late = f" after {ended.time:.0f} s," if ended.time >= 1 else ""
    message = f"{name(run, run.root)} ended {how}{late} before SIGTERM came"
    return [found("ended-early", message, run)]


def _alive(run: Recording) -> bool:
    """Whether the parent was there when SIGTERM came."""
    return any(
        event.signal == SIGTERM and event.target == run.root.pid and not event.pid
        for event in run.of(SignalSent)
    )


def _once(run: Recording, writer: Process, wanted: str) -> list[Finding]:
    """A line that `writer` must print, once."""
    count = output.lines(writer).count(wanted)
    if count == 1:
        return []
    if count > 1:
        message = f"{name(run, writer)} printed {wanted!r} {count} times"
        return [found("output-duplicated", message, run)]
    elsewhere = [line for line in output.all_lines(run) if line.text == wanted]
    if elsewhere:
        return [output.escaped(run, elsewhere[0], writer)]
    return _wrong_pid(run, writer, wanted) or output.absent(run, wanted, writer)


def _wrong_pid(run: Recording, writer: Process, wanted: str) -> list[Finding]:
    pattern = re.sub(r"\d+", r"-?\\d+", re.escape(wanted))
    taken = {_form(child, run) for child in run.root.children}
    for line in output.lines(writer):
        if re.fullmatch(pattern, line) and line not in taken:
            expected = {PARENT.format(run.root.pid, c.pid) for c in run.root.children}
            if line in expected:
                continue
            return [
                found(
                    "wrong-pid",
                    f"{name(run, writer)} printed {line!r} where the kernel knows "
                    f"{wanted!r}",
                    run,
                )
            ]
    return []


def _form(child: Process, run: Recording) -> str:
    return CHILD.format(child.pid, run.root.pid)


def _finish_lines(run: Recording) -> list[Finding]:
    """The handler's line is missing, or wrong, for some child."""
    printed = output.lines(run.root)
    for child in children_of(run):
        wanted = FINISH.format(child.pid, child.exit_code)
        if printed.count(wanted) == 1:
            continue
        other = [x for x in printed if x.startswith(f"Child {child.pid} Finish")]
        if len(other) > 1:
            message = f"{other[0]!r} was printed {len(other)} times"
            return [found("output-duplicated", message, run)]
        if other:
            return [
                found(
                    "output-wrong",
                    f"{name(run, run.root)} printed {other[0]!r}; "
                    f"{name(run, child)} ended with exit code {child.exit_code}",
                    run,
                )
            ]
        return _wrong_finish(run, wanted) or output.absent(run, wanted, run.root)
    return []


def _wrong_finish(run: Recording, wanted: str) -> list[Finding]:
    pids = {child.pid for child in run.root.forked}
    for line in output.lines(run.root):
        match = re.fullmatch(r"Child (-?\d+) Finish, status = -?\d+", line)
        if match and int(match[1]) not in pids:
            message = f"{line!r} names no child of this program; {wanted!r} was due"
            return [found("wrong-pid", message, run)]
    return []


@points(1)
def test_handler_comes_first(program: Submission) -> None:
    """The handler for SIGCHLD is installed before the first fork."""
    run = _at_rest(program, 3, parent_first)
    assert_that(run).handles_in_time(SIGCHLD)


@points(1)
def test_children_print_and_end(program: Submission) -> None:
    """Each child prints its line, and child i ends with exit code i."""
    for count, schedule in (
        (None, parent_first),
        (program.some(2, 6), parent_first),
        (5, child_first),
    ):
        run = _at_rest(program, count, schedule)
        _forks(run, count or 1)
        children = children_of(run)
        for child in children:
            line = CHILD.format(child.pid, run.root.pid)
            assert_that(run).holds(_once(run, child, line))
        codes = {child.pid: i for i, child in enumerate(children)}
        assert_that(run).holds(_unended(run)).exits(codes)
        # Whatever they fork: elsewhere it counts only where it takes part.
        assert_that(run).holds(processes.forks_of(run, children))


def _collected_late(run: Recording) -> list[Finding]:
    """A child that stayed a zombie while the program rested, up to SIGTERM."""
    sent = [event for event in run.of(SignalSent) if event.signal == SIGTERM]
    end = sent[0].index if sent else len(run.events)
    for child in children_of(run):
        ended, collected = child.ended, child.collected
        if ended and collected and ended.index < end < collected.index:
            message = (
                f"{name(run, child)} was a zombie while {name(run, run.root)} rested, "
                "and was collected only after SIGTERM had come"
            )
            return [found("zombie-left", message, run, collected.line)]
    return []


def _unended(run: Recording) -> list[Finding]:
    """Children that did not end by themselves."""
    for child in children_of(run):
        if child.ended is None:
            message = f"{name(run, child)} did not end"
            return [found("never-ends", message, run)]
        if child.killed_by:
            return processes.deaths(run)
    return []


@points(1)
def test_parent_prints_its_lines(program: Submission) -> None:
    """The parent prints its line for each child."""
    for count, schedule in ((1, parent_first), (5, child_first)):
        run = _at_rest(program, count, schedule)
        _forks(run, count)
        for child in children_of(run):
            line = PARENT.format(run.root.pid, child.pid)
            assert_that(run).holds(_once(run, run.root, line))


@points(2)
def test_children_end_one_by_one(program: Submission) -> None:
    """The handler collects and tells each child, when they end one by one."""
    for count in (1, 5, 20):
        run = _at_rest(program, count, parent_first)
        _forks(run, count).holds(_unended(run))
        assert_that(run).leaves_no_zombie().holds(_collected_late(run))
        assert_that(run).holds(_finish_lines(run))
        assert_that(run).collects_in_handler()
        # Of helpers this is all that is asked, and asked once.
        assert_that(run).holds(processes.zombies_beside(run))


@points(2)
def test_children_end_together(program: Submission) -> None:
    """All children are collected, when they end together or at once."""
    for count, schedule in (
        (5, hold_parent_until_children_end),
        (20, hold_children_then_parent),
        (1, child_first),
        (5, child_first),
    ):
        run = _at_rest(program, count, schedule)
        _forks(run, count).holds(_unended(run))
        assert_that(run).leaves_no_zombie().holds(_collected_late(run))
        assert_that(run).holds(_finish_lines(run))
    program.in_any_order(_merges_none, arguments=(2,), until_terminated=True)


def _merges_none(run: Recording) -> None:
    """No children were left because their signals merged, whatever left others."""
    run = _judged(run, 2)
    left = processes.zombies(run)
    assert_that(run).holds([one for one in left if one.id == "signals-merged"])


@points(1)
def test_handler_never_blocks(program: Submission) -> None:
    """The handler never waits for a child that still runs."""
    run = _at_rest(program, 3, parent_first)
    _forks(run, 3).handles(SIGCHLD).never_blocks_in_handler()
    # A child that the handler is not called for any more, since it was collected with
    # another one, leaves a signal that no ended child stands behind.
    for schedule in (hold_children, *map(pairs, (1, 2, 3))):
        assert_that(_at_rest(program, 3, schedule)).never_blocks_in_handler()


@points(1)
def test_parent_rests(program: Submission) -> None:
    """The parent rests until SIGTERM, and does not use the processor."""
    run = _at_rest(program, 3, parent_first)
    assert_that(run).holds(_ended_early(run)).rests()
    assert_that(run).is_(
        run.root.ended is not None,
        "signal-ignored",
        f"{name(run, run.root)} went on after SIGTERM",
    )
    later = program.until_terminated(1, schedule=parent_first, later=A_DAY)
    assert_that(_judged(later, 1)).holds(_ended_early(later))


@points(1)
def test_signals_within_signals(program: Submission) -> None:
    """A second signal inside the handler, or inside a write, does no harm."""
    quiet = _at_rest(program, 3, parent_first)
    _forks(quiet, 3).holds(_ended_early(quiet))
    # What goes wrong without that is for other checks to say.
    together = _at_rest(program, 5, hold_parent_until_children_end)
    at_once = _at_rest(program, 5, child_first)
    complete = not (
        handlers.late(quiet, SIGCHLD)
        or _lost(quiet)
        or _lost(together)
        or _lost(at_once)
    )

    def holds(run: Recording) -> None:
        assert_that(run).holds_alone(_broken(run))
        if complete:
            assert_that(run).holds_alone(_lost(_judged(run, 2)))

    program.in_any_order(holds, arguments=(2,), until_terminated=True)


def _lost(run: Recording) -> list[Finding]:
    """A child whose end went unnoticed, or whose line is not whole, or not once."""
    for child in children_of(run):
        line = FINISH.format(child.pid, child.exit_code)
        times = output.lines(run.root).count(line)
        if child.collected and times == 1:
            continue
        came = f"came {times} times" if times else "never came"
        what = f"{line!r} {came}" if child.collected else "it was never collected"
        if child.collected and not times and handlers.is_outside(run, child.collected):
            message = (
                f"{name(run, run.root)} collected {name(run, child)} outside of its "
                f"handler, which found nothing left to collect: {line!r} {came}"
            )
            return [found("handler-idle", message, run, child.collected.line)]
        return [
            found(
                "handler-reenters",
                f"{name(run, child)} ended while {name(run, run.root)} was in the "
                f"midst of its work, and {what}",
                run,
            )
        ]
    return []


def _broken(run: Recording) -> list[Finding]:
    """A second SIGCHLD broke the handler."""
    trace = processes.traceback_of(run.root)
    if _alive(run) and not trace:
        return []
    how = f"died of {trace[0]}" if trace else "did not go on"
    return [
        found(
            "handler-reenters",
            f"a child ended while {name(run, run.root)} was in the midst of its "
            f"work, and it {how}",
            run,
            trace[1] if trace else None,
        )
    ]
