"""Who is marked, and who is not."""

from __future__ import annotations

from grader.diagnosis.causes import general
from grader.picture.culprits import culprits
from grader.picture.model import Culprit
from grader.tracing.recording import (
    End,
    Ended,
    Orphaned,
    PipeMade,
    Side,
    Snapshot,
    Waiting,
)
from tests.picture.runs import Run, six, twenty, two


def test_a_reader_that_holds_the_write_end_itself() -> None:
    """It, with the end; the first finding about a process is the one that marks it."""
    run = two()
    assert culprits(run, general(run)) == (Culprit(4101, End(1, Side.WRITE)),)


def test_a_parent_that_leaves_zombies() -> None:
    """Also where its signals merged."""
    run = six()
    (culprit,) = culprits(run, general(run))
    assert culprit == Culprit(4101, why="never collected 4103 and 3 more")


def test_a_parent_that_ends_first() -> None:
    """It, not the orphan."""
    run = Run()
    child = run.fork()
    process = run.processes[child]
    run.end(run.root)
    process.orphaned = run.add(Orphaned, child, parent=run.root)
    process.ended = run.add(Ended, child, exit_code=0, signal=None)
    recording = run.done()
    (culprit,) = culprits(recording, general(recording))
    assert culprit == Culprit(run.root, why=f"ended while {child} was still running")


def test_who_waits_for_another_is_not_marked() -> None:
    """Which of two that wait for each other is wrong, no recording says."""
    run = Run()
    run.add(PipeMade, run.root, pipe=1, read_fd=3, write_fd=4)
    child = run.fork()
    read = Waiting("read", (3,), (End(1, Side.READ),))
    recording = run.done(
        [
            Snapshot(run.root, "waiting", (read,), {3: End(1, Side.READ)}),
            Snapshot(child, "waiting", (Waiting("futex"),), {4: End(1, Side.WRITE)}),
        ]
    )
    assert "deadlock" in [finding.id for finding in general(recording)]
    assert culprits(recording, general(recording)) == ()


def test_nobody_where_nothing_is_wrong() -> None:
    """A run without findings has no culprits."""
    run = twenty()
    assert culprits(run, []) == ()
