"""Forks, ends and waits are recorded as they were."""

from __future__ import annotations

import pytest

from grader.tracing.recording import Waited
from grader.tracing.schedule import SCHEDULES, Schedule
from tests.conftest import Run

FORK = """
    import os
    pid = os.fork()
    if pid == 0:
        print("child", os.getpid(), os.getppid())
        os._exit(7)
    print("parent", os.getpid(), pid)
    print("collected", os.waitpid(pid, 0)[1] >> 8)
"""


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
