"""What dies of the grader itself: it is told in a sentence, and nothing is left."""

from __future__ import annotations

import os
import signal
import textwrap
from pathlib import Path

import pytest

from grader.session import grade
from grader.tracing import launch
from grader.verdict import CheckOutcome, Outcome, Verdict
from tests.grading.exercises import made_exercise

# While a program runs, somebody dies.
CHECKS = """\
import os
import signal

from grader.checking import points


@points(1)
def test_killed(program):
    '''It is not judged.'''
    with program.start() as running:
        running.until_rest()
        os.kill({victim}, signal.SIGKILL)
        running.finish()


@points(1)
def test_worker_goes_on(program):
    '''It may be judged.'''
"""

SHARES = """\
import os, signal
from _posixshmem import shm_open
shm_open("/{name}", os.O_CREAT | os.O_RDWR, mode=0o600)
signal.pause()
"""

ZYGOTE = "program.zygote.pid"
WORKER = "os.getpgid(0)"


def _graded(folder: Path, victim: str, program: str) -> Verdict:
    exercise = made_exercise(folder, CHECKS.format(victim=victim))
    source = textwrap.dedent(program).encode()
    return grade(exercise, Path("submission.py"), source=source)


@pytest.mark.parametrize("victim", ["os.getpid()", "os.getppid()", WORKER, ZYGOTE])
def test_shared_memory_goes_also_where_the_tracer_was_killed(
    tmp_path: Path, victim: str
) -> None:
    """It has noted what there is, for who removes the scratch folder."""
    name = f"forklab-killed-{os.getpid()}"
    try:
        verdict = _graded(tmp_path, victim, SHARES.format(name=name))
        assert verdict.outcome is Outcome.GRADER_ERROR
        assert not Path("/dev/shm", name).exists()
    finally:
        Path("/dev/shm", name).unlink(missing_ok=True)


def test_a_zygote_that_is_killed(tmp_path: Path) -> None:
    """It is told in one sentence: no story of the grader's own lines."""
    verdict = _graded(tmp_path, ZYGOTE, "import signal; signal.pause()")
    check = verdict.checks[0]
    assert check.outcome is CheckOutcome.GRADER_ERROR
    assert check.error.startswith("the zygote has ended")
    assert "\n" not in check.error


@pytest.mark.parametrize("when", ["_exec_traced", "hide_vdso"])
def test_a_zygote_that_is_killed_as_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """It is not this machine that does not permit tracing."""

    def killed(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def killing(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        hide_vdso(pid)

    hide_vdso = launch.hide_vdso
    monkeypatch.setattr(launch, when, killed if when == "_exec_traced" else killing)
    verdict = _graded(tmp_path, ZYGOTE, "import signal; signal.pause()")
    assert verdict.outcome is Outcome.GRADER_ERROR
    assert verdict.error == "the zygote was killed as it started"


def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    """It had no time to say why."""
    verdict = _graded(tmp_path, WORKER, "import signal; signal.pause()")
    assert verdict.error == (
        "the checks could not be run: the process that runs them has ended"
    )
