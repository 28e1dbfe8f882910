"""Who gets which lane, and what is in which row."""

from __future__ import annotations

from grader.picture.layout import lay_out
from grader.picture.model import (
    Arrow,
    Culprit,
    Elision,
    Gap,
    Link,
    Picture,
    State,
    Step,
)
from grader.tracing.recording import (
    Ended,
    Orphaned,
    PipeMade,
    SignalDelivered,
    Stream,
    Wrote,
)
from tests.picture.runs import SIGCHLD, Run, at_lines, six, twenty, two


def texts(picture: Picture) -> list[str]:
    """What the steps say."""
    return [row.words for row in picture.rows if isinstance(row, Step)]


def states(picture: Picture, pid: int) -> list[tuple[State, int, int]]:
    """What a process does, from which row to which."""
    return [(s.state, s.first, s.last) for s in picture.spans if s.pid == pid]


def test_bytes_go_from_who_wrote_them_to_who_read_them() -> None:
    """Two writes, one read: an arrow from each writer, each with its bytes."""
    run = Run()
    run.add(PipeMade, run.root, pipe=1, read_fd=3, write_fd=4)
    one, other = run.fork(), run.fork()
    run.write(one, b"three", 1)
    run.write(other, b"fourth", 1)
    run.read(run.root, b"threefou")
    run.read(run.root, b"rth")
    picture = lay_out(run.done())
    data = [a for a in picture.arrows if a.link is Link.DATA]
    assert [(a.source, a.count) for a in data] == [(one, 5), (other, 3), (other, 3)]
    assert data[0].sent == 4
    assert data[0].row == 6


def test_bytes_of_a_write_that_waits_for_room() -> None:
    """They are read before it comes back, and come from whoever it is of."""
    run = Run()
    run.add(PipeMade, run.root, pipe=1, read_fd=3, write_fd=4)
    child = run.fork()
    for number in range(3):
        run.read(run.root, b"x" * (4096 if number < 2 else 10))
    run.write(child, b"x" * 8207, 1)
    run.read(run.root, b"x" * 5)
    picture = lay_out(run.done())
    data = [a for a in picture.arrows if a.link is Link.DATA]
    assert [(a.source, a.count, a.row - a.sent) for a in data] == [
        (child, 8192, 0),
        (child, 10, 0),
        (child, 5, 1),
    ]
    assert texts(picture)[3].startswith("reads 8,192 B from the pipe")


def test_bytes_that_come_one_by_one_are_one_step() -> None:
    """And one arrow, with all of them."""
    run = Run()
    run.add(PipeMade, run.root, pipe=1, read_fd=3, write_fd=4)
    child = run.fork()
    run.write(child, b"ab\n", 1)
    for byte in (b"a", b"b", b"\n"):
        run.read(run.root, byte)
    picture = lay_out(run.done())
    assert texts(picture)[-1] == 'reads 3 B from the pipe: "ab\\n" (3 times)'
    (arrow,) = [a for a in picture.arrows if a.link is Link.DATA]
    assert (arrow.count, arrow.label) == (3, "3 B")


def test_a_zombie_is_one_from_its_end_to_its_collection() -> None:
    """Not before, and not after."""
    run = Run()
    child = run.fork()
    run.end(child)
    run.write(run.root, b"x")
    run.collect(run.root, child)
    run.end(run.root)
    picture = lay_out(run.done())
    assert states(picture, child) == [(State.RUNS, 1, 1), (State.ZOMBIE, 2, 4)]
    lane = picture.lane(child)
    assert lane
    assert (lane.first, lane.last) == (1, 4)


def test_a_zombie_goes_with_its_parent() -> None:
    """Its adopter collects it; that it was left is told."""
    run = Run()
    child = run.fork()
    run.end(child)
    run.end(run.root)
    picture = lay_out(run.done())
    lane = picture.lane(child)
    assert lane
    assert lane.last == 3
    assert texts(picture)[-1] == "was never collected"


def test_an_ignored_signal_wakes_nobody() -> None:
    """A process that waits for one child goes on waiting when another one ends."""
    run = Run()
    one, other = run.fork(), run.fork()
    run.waits(run.root, "wait4", target=one)
    run.end(other)
    run.add(
        SignalDelivered, run.root, signal=SIGCHLD, action="ignore", interrupted=None
    )
    run.end(one)
    run.collect(run.root, one)
    assert states(lay_out(run.done()), run.root) == [
        (State.RUNS, 0, 2),
        (State.BLOCKED, 3, 5),
        (State.RUNS, 6, 7),
    ]


def test_an_orphan_is_no_zombie() -> None:
    """It has a parent that collects it at once."""
    run = Run()
    child = run.fork()
    run.end(run.root)
    orphan = run.processes[child]
    orphan.orphaned = run.add(Orphaned, child, parent=run.root)
    run.write(child, b"x")
    orphan.ended = run.add(Ended, child, exit_code=0, signal=None)
    picture = lay_out(run.done())
    assert [state for state, _, _ in states(picture, child)] == [State.RUNS]
    assert "was never collected" not in texts(picture)


def test_a_pending_signal_lasts_until_its_delivery() -> None:
    """Others of the same number merge into it."""
    picture = lay_out(six())
    (pending,) = picture.pending
    assert (pending.pid, pending.signal) == (4101, "SIGCHLD")
    sent = picture.rows[pending.first]
    delivered = picture.rows[pending.last]
    assert isinstance(sent, Step)
    assert isinstance(delivered, Step)
    assert sent.text == "ends, exit 0; SIGCHLD"
    assert delivered.text == "runs handler of SIGCHLD"
    assert "ends, exit 1; SIGCHLD (merged)" in texts(picture)


def test_time_without_events_is_a_gap() -> None:
    """Of as many seconds as went by."""
    gaps = [row.seconds for row in lay_out(two()).rows if isinstance(row, Gap)]
    assert gaps == [0.5, 0.5]


def test_the_culprit_is_marked() -> None:
    """Its lane is, and a last row says why."""
    from grader.tracing.recording import End, Side

    picture = lay_out(two(), culprits=[Culprit(4101, End(1, Side.WRITE))])
    assert [lane.pid for lane in picture.lanes if lane.culprit] == [4101]
    last = picture.rows[-1]
    assert isinstance(last, Step)
    assert last.culprit
    assert last.text == "still holds the write end of the pipe"


def test_lines_of_the_program() -> None:
    """By the event's index."""
    picture = lay_out(at_lines(two(), {2: 17}))
    (step,) = [r for r in picture.rows if isinstance(r, Step) and r.line]
    assert (step.line, step.text) == (17, "forks 4102")


def test_the_middle_is_left_out_truthfully() -> None:
    """Steps are counted, processes that nobody sees too, and no arrow ends there."""
    run = Run()
    for _ in range(1000):
        child = run.fork()
        for number in range(7):
            run.write(child, b"%d" % number * 5)
        run.end(child)
        run.collect(run.root, child)
    everything = lay_out(run.done(), steps=100_000)
    picture = lay_out(run.done(), steps=100)
    assert len(run.events) > 10_000
    assert len(picture.rows) == 100
    (place,) = [n for n, row in enumerate(picture.rows) if isinstance(row, Elision)]
    gone = picture.rows[place]
    assert isinstance(gone, Elision)
    assert gone.steps + 99 == len(everything.rows)
    assert gone.processes == sum(not lane.seen for lane in picture.lanes) > 900
    assert all(arrow.row != place for arrow in picture.arrows)
    assert picture.rows[:place] == everything.rows[:place]
    assert picture.rows[place + 1 :] == everything.rows[-(100 - place - 1) :]


def test_columns_are_used_again_where_there_are_many() -> None:
    """But never by two at a time, while there are enough."""
    run = Run()
    for _ in range(30):
        child = run.fork()
        run.end(child)
        run.collect(run.root, child)
    picture = lay_out(run.done())
    assert picture.columns < 12
    assert picture.shared is None
    for lane in picture.lanes:
        for other in picture.lanes:
            if lane is not other and lane.column == other.column:
                assert lane.last < other.first or other.last < lane.first


def test_more_processes_than_columns_share_the_last() -> None:
    """Which is said."""
    picture = lay_out(twenty(), columns=12)
    assert picture.columns == 12
    assert picture.shared == 11
    assert all(lane.column < 12 for lane in picture.lanes)


def test_forks_and_collections_are_arrows() -> None:
    """From the parent, and back to it."""
    run = Run()
    child = run.fork()
    run.end(child, 3)
    run.collect(run.root, child)
    assert lay_out(run.done()).arrows == (
        Arrow(Link.FORK, run.root, child, 1, 1, ""),
        Arrow(Link.SIGNAL, child, run.root, 2, 2, "SIGCHLD"),
        Arrow(Link.COLLECT, child, run.root, 3, 3, "3"),
    )


def test_threads_that_wait_alike_are_one_step() -> None:
    """What nobody can tell apart is said once; what differs, is not joined."""
    run = Run()
    for call in ("futex", "futex", "pause"):
        run.waits(run.root, call)
    assert texts(lay_out(run.done()))[1:] == [
        "waits for another thread",
        "waits for a signal",
    ]


def test_standard_error_is_told_apart() -> None:
    """At a terminal too, where both come out in one place."""
    run = Run()
    run.write(run.root, b"answer")
    what = {"target": Stream.TERMINAL, "data": b"trouble", "count": 7, "error": 0}
    run.add(Wrote, run.root, fd=2, **what)
    assert texts(lay_out(run.done()))[1:] == [
        'prints "answer"',
        'prints as an error "trouble"',
    ]
