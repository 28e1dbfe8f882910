"""Checks of exerciseN: a child ends with a code, and its parent reports it."""

from grader.checking import Submission, assert_that, points
from grader.tracing import child_first, take_turns
from grader.tracing.recording import Recording

LINE = "the child ended with"


def _runs(program: Submission) -> list[Recording]:
    """Runs with the smallest code, the largest, and some between them."""
    return [program.run(code) for code in (0, 1, program.some(2, 254), 255)]


@points(2)
def test_forks_one_child(program: Submission) -> None:
    """The program forks exactly one child."""
    for run in program.under(take_turns, child_first):
        assert_that(run).forks(1)


@points(3)
def test_child_ends_with_code(program: Submission) -> None:
    """The child ends with the exit code that it was given."""
    for run in _runs(program):
        assert_that(run).has_child()
        asked = int(run.root.argv[-1])
        assert_that(run).exits({run.root.children[0].pid: asked})


@points(3)
def test_parent_reports_code(program: Submission) -> None:
    """The parent prints the code that its child ended with."""
    for run in _runs(program):
        assert_that(run).has_child()
        code = run.root.children[0].exit_code
        assert_that(run).prints([f"{LINE} {code}"], among=[LINE])


@points(2)
def test_child_is_collected(program: Submission) -> None:
    """The parent collects its child, in any order of events."""
    program.in_any_order(
        lambda run: assert_that(run).has_child().leaves_no_orphan().leaves_no_zombie()
    )
