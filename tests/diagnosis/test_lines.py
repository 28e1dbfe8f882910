"""Findings cite the line of the event that they are about."""

from __future__ import annotations

import pytest

from grader.diagnosis import handlers
from grader.diagnosis.causes import general
from grader.tracing.schedule import hold_parent_until_children_end
from tests.conftest import Run

CITED = {
    ("zombie-left", 2): """
        import os, time
        if os.fork() == 0:
            os._exit(0)
        time.sleep(1)
    """,
    ("orphan-left", 2): """
        import os, time
        if os.fork() == 0:
            time.sleep(1)
    """,
    ("signals-merged", 4): """
        import os, signal
        def collect(*_):
            if True:
                os.wait()
        signal.signal(signal.SIGCHLD, collect)
        for _ in range(2):
            if os.fork() == 0:
                os._exit(0)
        signal.pause()
    """,
    ("forbidden-call", 3): """
        import os
        try:
            os.kill(os.getppid(), 9)
        except OSError:
            pass
    """,
}


@pytest.mark.parametrize("known", CITED)
def test_general_findings(run: Run, known: tuple[str, int]) -> None:
    """Where nothing is known of lines, they have none."""
    text = CITED[known].lstrip("\n")
    for lines, line in ((True, known[1]), (False, None)):
        recording = run(text, lines=lines, schedule=hold_parent_until_children_end)
        (told,) = [f for f in general(recording) if f.id == known[0]]
        assert told.line == line


def test_handlers(run: Run) -> None:
    """A late one is told by the fork that was too early; one that waits by its wait."""
    late = """\
        import os, signal
        pid = os.fork()
        signal.signal(signal.SIGCHLD, lambda *_: None)
        if pid == 0:
            os._exit(0)
        os.wait()
    """
    assert [f.line for f in handlers.late(run(late, lines=True), 17)] == [2]
    blocks = """\
        import os, signal, time
        def handler(*_):
            os.waitpid(-1, os.WNOHANG)
            os.wait()
        signal.signal(signal.SIGCHLD, handler)
        for seconds in (0, 5):
            if os.fork() == 0:
                time.sleep(seconds)
                os._exit(0)
        time.sleep(9)
    """
    assert [f.line for f in handlers.blocks(run(blocks, lines=True))] == [4]
