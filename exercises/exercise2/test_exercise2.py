"""Checks of exercise 2: a child sends numbers to its parent through a pipe."""

import re
from collections.abc import Collection
from dataclasses import replace
from io import DEFAULT_BUFFER_SIZE
from itertools import pairwise

from grader.checking import Submission, assert_that, found, points
from grader.diagnosis import output, pipes
from grader.diagnosis.finding import name, names
from grader.diagnosis.history import Holdings
from grader.tracing import (
    Schedule,
    child_first,
    hold_children,
    hold_parent_after,
    hold_parent_until_children_end,
    parent_first,
    take_turns,
)
from grader.tracing.recording import End, Event, Process, Recording, Side
from grader.verdict import Finding

FORMS = ("received :", "close.")
INTERVAL = 0.5

# The least that POSIX has a pipe hold, in bytes: _POSIX_PIPE_BUF in limits.h(0p).
SMALL_PIPE = 512

# More numbers than a byte can be.
SOME_HUNDRED = 300

# So many numbers are more bytes than PIPE_BUF, pipe(7), a usual size of one read.
MANY = 1100

# Up to so many are all there when the parent reads, though fewer would do otherwise.
MOST = 2300

# What is to be sent.
NUMBER = re.compile(rb"^[ \t]*\d+[ \t\r]*$", re.MULTILINE)

# How a program reads by itself. Where its file has nothing of that, a file object of
# Python's reads, and puts together what a read of its buffer's size cuts.
READS_ITSELF = re.compile(
    rb"\.\s*read(v|into|1)?\b|\bread(v|into|1)?\s*\(|import[^\n]*\bread"
)

# Who reads so many bytes at once has all that a pipe holds, pipe(7): whole lines.
WHOLE_PIPE = 65_536


def _expected(count: int) -> list[str]:
    return [*(f"received : {n}" for n in range(1, count + 1)), "close."]


def _writer(run: Recording) -> tuple[Process, int] | None:
    """The process that sent the parent its data, and the pipe it used."""
    return _sender(run, pipes.arrived(run))


def _sender(run: Recording, among: Collection[int]) -> tuple[Process, int] | None:
    """Who sent numbers through one of these pipes, and through which.

    Nobody may have: then who sent most of whatever there was.
    """
    others = list(run.root.descendants())
    sent = {pipe: data for pipe, data in pipes.sent(others).items() if pipe in among}
    if not sent:
        return None
    pipe = max(sent, key=lambda pipe: _amount(sent[pipe]))
    return max(others, key=lambda p: len(pipes.written(p, pipe))), pipe


def _own(run: Recording) -> set[int]:
    """The pipes that the parent made."""
    return {event.pipe for event in run.root.pipes}


def _amount(data: bytes) -> tuple[int, int]:
    """How much of what is to be sent there is, and how much of anything."""
    return len(NUMBER.findall(data)), len(data)


def _sent(writer: Process, pipe: int) -> list[tuple[int, float, int]]:
    """Each number that was sent: the number, when, and the index of the write."""
    text, found = "", []
    for event in pipes.written(writer, pipe):
        text += event.data.decode(errors="replace")
        *whole, text = text.split("\n")
        found += [
            (int(line), event.time, event.index)
            for line in whole
            if re.fullmatch(r"\s*\d+\s*", line)
        ]
    return found


def _printed(run: Recording) -> dict[int, float]:
    """When each number was printed by the parent."""
    found: dict[int, float] = {}
    for line, event in output.ended_by(run.root):
        if match := re.fullmatch(r"received : (\d+)", line):
            found.setdefault(int(match[1]), event.time)
    return found


def _told(run: Recording, count: int) -> list[Finding]:
    """The numbers were not printed in order, or `close.` did not come last."""
    wrong = output.differs(run, _expected(count), among=FORMS)
    if not wrong or not (why := _misread(run)):
        return wrong
    return [replace(wrong[0], message=f"{wrong[0].message}; {why}"), *wrong[1:]]


def _misread(run: Recording) -> str:
    """What the parent's reads brought where it took each for one number."""
    reads = _reads(run)
    if cut := _cut(reads):
        before, after = (data.decode(errors="replace") for data in cut)
        return (
            f"a read ended within a number, with {before[-8:]!r}, and the next one "
            f"began with {after[:8]!r}: a pipe carries bytes, and knows of no lines"
        )
    joined = next((data for data in reads if len(NUMBER.findall(data)) > 1), None)
    if joined and len(_printed(run)) <= len(reads):
        return (
            f"one read brought {joined[:24].decode(errors='replace')!r}, which is more "
            "than one line: a pipe carries bytes, and knows of no lines"
        )
    return ""


def _travelled(run: Recording, count: int) -> list[Finding]:
    """The numbers did not go from the child to the parent through a pipe."""
    used = _writer(run)
    unread = None if used or _has_received(run) else _sender(run, _own(run))
    if unread:
        message = (
            f"what {name(run, unread[0])} sent through the pipe, "
            f"{name(run, run.root)} never read"
        )
        return [found("output-missing", message, run)]
    if used is None:
        return [
            found(
                "no-pipe",
                f"nothing went from a child to {name(run, run.root)} through a pipe: "
                + _instead(run),
                run,
            )
        ]
    writers = [p for p in run.root.descendants() if pipes.writes_to_any(p)]
    if len(writers) > 1:
        message = f"{names(run, writers)} wrote into pipes; one child is to send all"
        return [found("extra-children", message, run)]
    numbers = [number for number, _, _ in _sent(*used)]
    wanted = list(range(1, count + 1))
    if pipes.was_cut_off(*used):
        wanted = wanted[: len(numbers)]  # the fault is the reader's, who went away
    if [number for number in numbers if number in wanted] != wanted:
        shown = ", ".join(map(str, numbers[:12])) or "no number on a line of its own"
        return [
            found(
                "output-wrong",
                f"the numbers 1 to {count} should go through the pipe, one a line; "
                f"{name(run, used[0])} sent {shown}",
                run,
            )
        ]
    return []


def _instead(run: Recording) -> str:
    """What there is where no pipe was used."""
    makers = [process for process in run.processes if process.pipes]
    if not makers:
        made = "it made no pipe"
    elif len(makers) > 1:
        return (
            f"{names(run, makers)} made a pipe each, after the fork, and neither can "
            "read the other's"
        )
    else:
        made = "it made a pipe"
    if pipes.writes_to_any(run.root):
        return (
            f"{made}, and {name(run, run.root)} itself wrote into it; the child is to "
            "write, and its parent to read"
        )
    wrote = any(pipes.writes_to_any(process) for process in run.root.descendants())
    if wrote:
        came = f"what was sent there {name(run, run.root)} never read"
    elif _has_received(run):
        came = "what was printed came another way"
    else:
        came = "nothing was sent"
    return f"{made}, and {came}"


def _has_received(run: Recording) -> bool:
    return any(line.startswith("received") for line in output.lines(run.root))


def _held_back(run: Recording, count: int, interval: float) -> list[Finding]:
    """Numbers that did not leave the writer one by one, an interval apart."""
    used = _writer(run)
    if used is None:
        return _travelled(run, 0)
    sent = _sent(*used)
    if len(sent) < count:
        return _travelled(run, count)
    for (first, before, index), (second, after, next_index) in pairwise(sent):
        together = sum(1 for _, _, at in sent if at == index)
        if index == next_index and before > interval / 2:
            return [
                found(
                    "not-flushed",
                    f"{name(run, used[0])} sent {together} numbers in one write, from "
                    f"{first} on: they had waited in its buffer",
                    run,
                )
            ]
        if not 0.9 * interval < after - before + 0.001 < 1.5 * interval + 0.05:
            return [
                found(
                    "not-paced",
                    f"{name(run, used[0])} sent {second} {after - before:.2f} s after "
                    f"{first}; INTERVAL was {interval} s",
                    run,
                )
            ]
    return []


def _kept_waiting(run: Recording, count: int, interval: float) -> list[Finding]:
    """Numbers that had arrived and were printed only later."""
    used = _writer(run)
    if used is None:
        return _travelled(run, 0)
    printed = _printed(run)
    for number, sent, _ in _sent(*used):
        if number not in range(1, count + 1):
            continue  # a last word, say: not one of those that are to be printed
        if number not in printed:
            return output.absent(run, f"received : {number}", run.root)
        if printed[number] - sent > interval / 2:
            return [
                found(
                    "not-streamed",
                    f"{name(run, run.root)} could read {number} at {sent:.1f} s and "
                    f"printed it at {printed[number]:.1f} s",
                    run,
                )
            ]
    return []


def _ended_by_count(run: Recording) -> list[Finding]:
    """The parent went on to ``close.`` while the pipe's write end was still open."""
    used = _writer(run)
    if used is None:
        return _travelled(run, 0)
    last = (event for line, event in output.ended_by(run.root) if line == FORMS[1])
    closing: Event | None = next(last, None)
    if closing is None and run.root.exit_code == 0:
        closing = run.root.ended  # that it says nothing is another check's business
    if closing is None:
        return output.absent(run, FORMS[1], run.root)
    state = Holdings(run).before(closing.index)
    holders = state.holders(End(used[1], Side.WRITE))
    ends = [event for event in pipes.read(run.root, used[1]) if event.count == 0]
    if holders and not any(end.index < closing.index for end in ends):
        did = "ended" if closing is run.root.ended else f"printed {FORMS[1]!r}"
        return [
            found(
                "stopped-by-count",
                f"{name(run, run.root)} {did} while {name(run, holders[0])} "
                "still had the pipe's write end open: it cannot have seen end of file",
                run,
            )
        ]
    return []


def _lost(run: Recording, count: int) -> list[Finding]:
    """The parent read all numbers, and its last lines never came out."""
    used = _writer(run)
    if used is None or pipes.was_cut_off(*used):
        return []
    read = sum(event.count for event in pipes.read(run.root, used[1]))
    sent = sum(event.count for event in pipes.written(*used))
    return output.cut_off(run, _expected(count)) if read == sent else []


def _is_silent(run: Recording) -> bool:
    return not any(line.startswith(FORMS) for line in output.lines(run.root))


def _cutting(run: Recording, source: bytes) -> list[tuple[int, Schedule]]:
    """How many numbers there must be, and when read, for a read to end within one.

    None where each read takes all that a pipe can hold: then none does, since numbers
    go into it whole. `run` shows how much the parent asks for. The second is for who
    waits for something else before it reads.
    """
    used = _writer(run)
    sizes = {event.asked for event in pipes.read(run.root, used[1])} if used else {0}
    if 0 in sizes:
        return [(MANY, hold_parent_until_children_end)]  # how much is not known
    if used and len(_sent(*used)) < SOME_HUNDRED:
        return []  # each has a pipe of its own, say, or it failed already
    if not READS_ITSELF.search(source):
        sizes.discard(DEFAULT_BUFFER_SIZE)  # for nothing, and most programs do that
    cuts = [_first_cuts(size) for size in sizes if size < WHOLE_PIPE]
    return max(cuts, key=lambda cut: cut[0][0], default=[])


def _first_cuts(size: int) -> list[tuple[int, Schedule]]:
    """The first number within which a read of `size` bytes after the other may end.

    Where all are there when the parent reads first; or, where that takes many more, all
    but the first, which it has read by then.
    """
    at_once = _first_within(size, 0)
    behind = _first_within(size, len("1\n"))
    cuts = [(at_once, hold_parent_until_children_end), (behind, hold_parent_after(1))]
    if at_once <= max(MOST, behind):
        return cuts[:1]
    return cuts[::-1] if at_once <= 2 * behind else cuts[1:]


def _reads(run: Recording) -> list[bytes]:
    """What each read of the parent brought."""
    used = _writer(run)
    return [e.data for e in pipes.read(run.root, used[1]) if e.count] if used else []


def _cut(reads: list[bytes]) -> tuple[bytes, bytes] | None:
    """The first read that ended within a number, and the one after it."""
    return next(
        ((a, b) for a, b in pairwise(reads) if a[-1:].isdigit() and b[:1].isdigit()),
        None,
    )


def _first_within(size: int, before: int) -> int:
    """The first number within which one of the reads ends that follow `before` bytes.

    Between a number and its line's end it does no harm to who looks for numbers alone.
    """
    start = number = 0
    while True:
        number += 1
        end = start + len(f"{number}\n")
        if (end - 2 - before) // size > (start - before) // size:
            return number
        start = end


@points(2)
def test_numbers_arrive_in_order(program: Submission) -> None:
    """All numbers arrive in order, and `close.` comes last."""
    some = program.some(3, 30)
    for count, more, schedule in (
        (0, (0,), child_first),
        (1, (), parent_first),
        (some, (0,), hold_children),
        (some, (INTERVAL,), hold_parent_until_children_end),
    ):
        run = program.run(count, *more, schedule=schedule)
        assert_that(run).holds(_told(run, count))
    by_default = program.run()
    assert_that(by_default).holds(_told(by_default, 10))
    program.in_any_order(
        lambda run: assert_that(run).holds(_told(run, 2)), arguments=(2, 0)
    )


@points(1)
def test_through_a_pipe(program: Submission) -> None:
    """The numbers go from child to parent through a pipe, one a line."""
    some = program.some(3, 30)
    for count, interval, schedule in (
        (2, 0, take_turns),
        (2, 0, child_first),
        (some, INTERVAL, hold_parent_until_children_end),
    ):
        run = program.run(count, interval, schedule=schedule)
        assert_that(run).holds(_travelled(run, count))


@points(1)
def test_sent_at_once(program: Submission) -> None:
    """Each number is on its way as soon as it is written, one every INTERVAL."""
    for interval, schedule, stdout in (
        (0.75, take_turns, "terminal"),
        # Where standard output is no terminal, what is printed is held back.
        (0.2, child_first, "pipe"),
    ):
        run = program.run(5, interval, schedule=schedule, stdout=stdout)
        assert_that(run).holds(_held_back(run, 5, interval))
    by_default = program.run()
    assert_that(by_default).holds(_held_back(by_default, 10, INTERVAL))


@points(1)
def test_printed_as_it_arrives(program: Submission) -> None:
    """Each number is printed as it arrives."""
    run = program.run()
    assert_that(run).holds(_kept_waiting(run, 10, INTERVAL))
    run = program.run(5, INTERVAL, schedule=parent_first)
    assert_that(run).holds(_kept_waiting(run, 5, INTERVAL))


@points(2)
def test_unused_ends_are_closed(program: Submission) -> None:
    """Each process closes the end of the pipe that it does not use."""
    for run in program.under(take_turns, child_first, arguments=(2, 0)):
        # Whether it reads there is another check's business.
        used = _writer(run) or _sender(run, _own(run))
        assert_that(run).holds([] if used else _travelled(run, 2))
        if used:
            assert_that(run).closes_unused_ends(used[1], used[0])


@points(1)
def test_stops_at_end_of_file(program: Submission) -> None:
    """The parent stops because of end of file, not by counting."""
    for run in (program.run(5, INTERVAL, schedule=parent_first), program.run()):
        assert_that(run).holds(_ended_by_count(run))


@points(1)
def test_child_is_collected(program: Submission) -> None:
    """The child is collected, and both end with exit code 0."""
    program.in_any_order(
        lambda run: (
            assert_that(run, expected_signals=())
            .has_child()
            .ends_well()
            .exits({process.pid: 0 for process in run.processes})
            .leaves_no_orphan()
            .leaves_no_zombie()
        ),
        take_turns,
        child_first,
        hold_children,
        arguments=(2, 0),
    )


@points(1)
def test_more_than_the_pipe_holds(program: Submission) -> None:
    """More numbers than the pipe holds, or than one read takes, do no harm."""
    small = program.run(
        SOME_HUNDRED, 0, schedule=child_first, stdout="pipe", pipe_size=SMALL_PIPE
    )
    # So many that a buffer which holds lines back runs over, and shows that it does.
    silent = [(MANY, hold_parent_until_children_end)]
    cutting = silent if _is_silent(small) else _cutting(small, program.source)
    for count, schedule in cutting:
        larger = 1 + count // SOME_HUNDRED  # each may cost as much as one of those
        run = program.run(count, 0, schedule=schedule, stdout="pipe", larger=larger)
        assert_that(run).holds(_lost(run, count)).holds(_told(run, count))
        if _cut(_reads(run)):
            break
    lost = _lost(small, SOME_HUNDRED)
    assert_that(small).holds(lost).holds(_told(small, SOME_HUNDRED))
