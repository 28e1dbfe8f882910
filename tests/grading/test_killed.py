"""What dies of the grader itself: it is told in a sentence, and nothing is left."""

from __future__ import annotations

import os
import signal
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.session import grade
from grader.tracing import launch, looking, ptrace
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

    hide_vdso = looking.hide_vdso
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


def test_a_zygote_whose_maker_is_gone_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adopts it did not ask to be its tracer, and would never let it go on."""
    watcher = os.fork()
    if watcher == 0:
        ptrace.adopt_orphans()
        maker = os.fork()
        if maker == 0:
            with monkeypatch.context() as patch:
                patch.setattr(launch, "_exec_traced", _once_orphaned(os.getpid()))
                patch.setattr(os, "waitpid", lambda *_: os._exit(0))
                launch.Zygote()
        os.waitpid(maker, 0)
        zygote, status = os.waitpid(-1, 0)
        if not os.WIFEXITED(status):
            os.kill(zygote, signal.SIGKILL)
        os._exit(0 if os.WIFEXITED(status) else 1)
    assert os.waitpid(watcher, 0)[1] == 0


def _once_orphaned(maker: int) -> Callable[..., None]:
    """The start of a zygote, which begins only when its maker is gone."""
    start = launch._exec_traced

    def wait_and_start(*arguments: Any) -> None:
        while os.getppid() == maker:
            os.sched_yield()
        start(*arguments)

    return wait_and_start
