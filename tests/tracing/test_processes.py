"""Forks, ends and waits are recorded as they were."""

from __future__ import annotations

import pytest

from grader.exploring.choices import Pilot, decode
from grader.tracing.limits import Limits
from grader.tracing.recording import Ended, Waited
from grader.tracing.schedule import (
    SCHEDULES,
    Schedule,
    child_first,
    hold_parent_after,
    pairs,
    parent_first,
)
from tests.conftest import Run, Start

FORK = """
    import os
    pid = os.fork()
    if pid == 0:
        print("child", os.getpid(), os.getppid())
        os._exit(7)
    print("parent", os.getpid(), pid)
    print("collected", os.waitpid(pid, 0)[1] >> 8)
"""

EACH = SCHEDULES | {s.name: s for s in (hold_parent_after(1), pairs(1))}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=lambda s: s.name)
def test_a_fork_and_a_wait(run: Run, schedule: Schedule) -> None:
    """Who forked whom, what they printed, how they ended, who collected."""
    recording = run(FORK, schedule=schedule)
    root = recording.root
    (child,) = root.children
    assert recording.ended
    assert child.output == f"child {child.pid} {root.pid}\n".encode()
    assert root.output == f"parent {root.pid} {child.pid}\ncollected 7\n".encode()
    assert (child.exit_code, child.reaped_by) == (7, root.pid)
    assert (root.exit_code, root.reaped_by) == (0, None)


def test_a_zombie(run: Run) -> None:
    """A child that nobody collects has no reaper, and is not an orphan."""
    recording = run(
        """
        import os, time
        if os.fork() == 0:
            os._exit(3)
        time.sleep(1)
        """
    )
    (child,) = recording.root.children
    assert child.exit_code == 3
    assert child.reaped_by is None
    assert child.orphaned is None


def test_an_orphan(run: Run) -> None:
    """A child that outlives its parent is followed to its end."""
    recording = run(
        """
        import os, time
        if os.fork() == 0:
            time.sleep(1)
            print("still here")
        """
    )
    (child,) = recording.root.children
    assert child.orphaned is not None
    assert child.output == b"still here\n"


def test_a_kill(run: Run) -> None:
    """A child that is killed while it waits is gone at once, and collected."""
    recording = run(
        """
        import os, signal
        pid = os.fork()
        if pid == 0:
            signal.pause()
        os.kill(pid, signal.SIGKILL)
        print(os.waitpid(pid, 0)[1])
        """
    )
    (child,) = recording.root.children
    assert child.killed_by == 9
    assert recording.output == b"9\n"


def test_a_wait_without_children(run: Run) -> None:
    """A wait that fails is recorded with its errno."""
    recording = run(
        """
        import os
        try:
            os.wait()
        except ChildProcessError:
            pass
        """
    )
    (waited,) = recording.root.of(Waited)
    assert waited.error == 10


def test_a_child_of_which_a_plain_wait_is_not_told(run: Run) -> None:
    """One that clone(2) made without a signal for its end is no child to it."""
    recording = run(
        """
        import ctypes, os
        CLONE = 56
        reading, writing = os.pipe()
        child = ctypes.CDLL(None).syscall(CLONE, 0, 0, 0, 0, 0)
        if child == 0:
            os.read(reading, 1)
            os._exit(0)
        for options in (os.WNOHANG, 0):
            try:
                os.waitpid(-1, options)
            except ChildProcessError:
                print("none")
        os.write(writing, b"!")
        os.waitpid(child, 0x80000000 - (1 << 32))  # __WCLONE
        """,
        schedule=parent_first,
    )
    assert recording.output == b"none\nnone\n"
    assert recording.ended and recording.stuck is None


def test_a_wait_while_a_child_lives(run: Run) -> None:
    """It is told of one that ended, and of none else."""
    recording = run(
        """
        import os
        reading, writing = os.pipe()
        ended, lives = os.fork() or os._exit(1), 0
        lives = os.fork()
        if lives == 0:
            os.read(reading, 1)
            os._exit(2)
        print(os.waitpid(lives, os.WNOHANG), os.waitpid(-1, 0) == (ended, 1 << 8))
        print(os.waitpid(-1, os.WNOHANG), os.waitpid(lives, os.WNOHANG))
        os.write(writing, b"!")
        print(os.waitpid(-1, 0) == (lives, 2 << 8))
        """
    )
    assert recording.output == b"(0, 0) True\n(0, 0) (0, 0)\nTrue\n"
    found = [(e.no_hang, e.child is not None) for e in recording.root.of(Waited)]
    assert found == [
        (True, False),
        (False, True),
        (True, False),
        (True, False),
        (False, True),
    ]


def test_a_wait_for_an_adopted_grandchild(run: Run) -> None:
    """A subreaper collects what its dead child leaves, prctl(2)."""
    recording = run(
        """
        import ctypes, os, time
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        r, w = os.pipe()
        if os.fork() == 0:
            os.close(w)
            os.read(r, 1)
            os._exit(0)
        os.close(r)
        child = os.fork()
        if child == 0:
            os.close(w)
            if os.fork() == 0:
                time.sleep(1)
                os._exit(7)
            os._exit(0)
        os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(os.wait()[1]))
        os.write(w, b"x")
        os.wait()
        """
    )
    assert recording.stuck is None
    assert recording.output == b"7\n"


def test_a_sibling_that_a_process_makes_for_its_parent(run: Run) -> None:
    """CLONE_PARENT, clone(2), is refused: nobody would know whose child it is."""
    recording = run(
        """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        made = libc.syscall(56, 0x8000 | 17, 0, 0, 0, 0)
        if made == 0:
            libc._exit(0)
        print(made)
        """
    )
    assert recording.output == b"-1\n"


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_children_in_pairs(run: Run, calls: int) -> None:
    """The second of each ends so many calls after the first, the next much later."""
    recording = run(
        """
        import os, select
        r, w = os.pipe()
        for _ in range(4):
            if os.fork() == 0:
                os.write(w, b"x")
                os._exit(0)
        for _ in range(2):
            select.select([r], [], [])
            for _ in range(4):
                os.waitpid(-1, os.WNOHANG)
            os.read(r, 2)
        """,
        schedule=pairs(calls),
    )
    first, second, third, fourth = (e.index for e in recording.of(Ended)[:4])

    def between(low: int, high: int) -> int:
        return sum(low < e.index < high for e in recording.root.of(Waited))

    # The first of its calls is the one that has waited.
    assert between(first, second) == between(third, fourth) == max(calls - 1, 0)
    assert between(second, third) == 4 - max(calls - 1, 0)


@pytest.mark.parametrize(
    ("ticks", "name"),
    [
        ("parent", "parent_first"),
        ("parent", "hold_children"),
        ("parent", "hold_children_then_parent"),
        ("parent", "pairs(1)"),
        ("parent", "x5+"),
        ("child", "child_first"),
        ("child", "hold_parent_until_children_end"),
        ("child", "hold_parent_after(1)"),
        ("child", "x2b"),
    ],
)
def test_nobody_is_held_back_for_ever(run: Run, ticks: str, name: str) -> None:
    """Who always has something to do gives way some day to who could do something."""
    text = f"""
    import os, signal
    r, w = os.pipe()
    pid = os.fork()
    if (pid == 0) == {ticks == "child"}:
        os.close(r)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL) if pid == 0 else None
        try:
            while True:
                os.write(w, b".")
        except BrokenPipeError:
            pass
    else:
        os.close(w)
        os.read(r, 1)
        os.close(r)
    if pid:
        os.wait()
    """
    schedules = [EACH.get(name) or Pilot(decode(name)).schedule for _ in range(2)]
    recordings = [
        run(text, schedule=schedule, limits=Limits(events=20_000))
        for schedule in schedules
    ]
    assert all(recording.ended for recording in recordings)
    first, second = (len(recording.events) for recording in recordings)
    assert first == second < 12_000


def test_a_parent_is_held_for_a_part_of_what_may_be_done(run: Run) -> None:
    """Where children may do more, it sees what there is at their end."""
    recording = run(
        """
        import os
        r, w = os.pipe()
        if os.fork() == 0:
            for _ in range(9000):
                os.write(w, b".")
            os._exit(0)
        print(len(os.read(r, 10_000)))
        os.wait()
        """,
        schedule=SCHEDULES["hold_parent_until_children_end"],
        limits=Limits(events=30_000),
    )
    assert recording.root.output.split() == [b"9000"]


@pytest.mark.parametrize("schedule", [parent_first, child_first])
def test_who_runs_for_long_gives_way_to_nobody_yet(
    run: Run, schedule: Schedule
) -> None:
    """A schedule holds where a process does some thousands of things in a row."""
    recording = run(
        """
        import os
        r, w = os.pipe()
        pid = os.fork()
        for _ in range(7000):
            os.write(w, b"p" if pid else b"c")
        if pid:
            os.wait()
            print(os.read(r, 14_000).decode())
        """,
        schedule=schedule,
        limits=Limits(events=20_000),
    )
    order = (b"p", b"c") if schedule is parent_first else (b"c", b"p")
    assert recording.root.output.strip() == b"".join(one * 7000 for one in order)


def test_a_child_that_stops_is_not_discarded(start: Start) -> None:
    """Only one that ends while its parent ignores that, wait(2)."""
    text = """
        import os, signal
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        pid = os.fork()
        if pid == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
            os._exit(0)
        os.waitpid(pid, os.WUNTRACED)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.kill(pid, signal.SIGCONT)
        signal.pause()
        """
    with start(text) as program:
        rest = program.until_rest()
        assert [process.state for process in rest.processes] == ["waiting", "zombie"]
