"""The tutorial's own programs, ported to Python 3, and what is to be said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.catalog import find
from grader.session import grade
from grader.verdict import Finding, Outcome, Verdict

TUTORIAL = Path(__file__).parents[1] / "tutorial"


def _graded(exercise: str, program: str) -> Verdict:
    return grade(find(exercise), TUTORIAL / program)


def _findings(verdict: Verdict) -> dict[str, Finding]:
    return {f.id: f for check in verdict.checks for f in check.findings}


@pytest.mark.parametrize(
    ("exercise", "program"), [("exercise1", "fork.py"), ("exercise2", "pipe.py")]
)
def test_fork_and_pipe_get_full_marks(exercise: str, program: str) -> None:
    """They are right."""
    assert _graded(exercise, program).outcome is Outcome.FULL


def test_the_interrupt_handler_waits_busily_and_prints() -> None:
    """Both cost it points, and nothing else does."""
    verdict = _graded("exercise3", "interrupt.py")
    failed = {check.id for check in verdict.checks if check.findings}
    assert failed == {"rests-between-signals", "interrupts-within-interrupts"}
    findings = _findings(verdict)
    assert set(findings) == {"busy-wait", "handler-reenters"}
    assert "RuntimeError: reentrant call" in findings["handler-reenters"].message
    assert findings["handler-reenters"].line == 3


def test_the_sigchld_handler_loses_children() -> None:
    """One wait a signal: the story shows the signals merge."""
    verdict = _graded("exercise4", "sigchld.py")
    findings = _findings(verdict)
    assert set(findings) == {"signals-merged", "busy-wait", "handler-reenters"}
    story = "\n".join(findings["signals-merged"].timeline)
    assert "SIGCHLD merges: one is pending already" in story
