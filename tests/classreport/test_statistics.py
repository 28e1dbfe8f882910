"""The numbers of a report: what is counted, of whom, and who is left out."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.classreport import charts, statistics
from grader.classreport.reading import Course, read_course
from grader.course.class_list import ClassList, Unreadable, save_class
from grader.diagnosis.texts import all_ids
from grader.errors import UsageError
from tests.classreport.classes import (
    ATTACK,
    EXERCISES,
    RESULTS,
    STUDENTS,
    finding,
    make,
    result,
)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The small class, read."""
    return read_course(make(tmp_path))


def test_exercises(course: Course) -> None:
    """Each student is in one part; missing is who is expected and has nothing there."""
    one, two = statistics.figures(course)
    assert (one.full, one.partial, one.none, one.failed, one.late) == (1, 3, 0, 0, 1)
    assert (two.full, two.partial, two.none, two.failed, two.late) == (2, 0, 0, 1, 0)
    assert [student.student for student in one.missing] == ["4714"]
    assert [student.student for student in two.missing] == ["4714"]
    assert (one.median, one.mean) == (3, 3.5)
    assert [one.count for one in one.bins] == [0, 0, 0, 3, 0, 1]


def test_checks(course: Course) -> None:
    """The rate is of what was graded."""
    _, waits, *_, pipe = statistics.check_figures(course)
    assert (waits.passed, waits.graded, waits.rate) == (1, 4, 0.25)
    assert {s.student for s in waits.not_passed} == {"4711", "4713", ATTACK}
    assert (pipe.passed, pipe.graded, pipe.rate) == (2, 2, 1)


def test_misconceptions(course: Course) -> None:
    """Each student counts once; the example is the one with the least else in it."""
    first, *others = statistics.misconceptions(course)
    assert (first.id, len(first.students)) == ("zombie-left", 2)
    assert first.example.student.student == "4711"
    assert {one.id for one in others} == {"forbidden-call", "output-wrong"}
    (rule,) = statistics.against_rules([first, *others])
    assert rule.id == "forbidden-call"


def test_rules_are_diagnoses() -> None:
    """What the report calls rules and limits is found by that name."""
    assert {*statistics.FORBIDDEN, *statistics.LIMITS} <= set(all_ids())


def test_alike(course: Course) -> None:
    """By exercise and shape; the same file only where the programs are."""
    (group,) = statistics.alike(course)
    assert [s.student for s in group.students] == ["4711", "4712"]
    assert (group.exercise, group.statements) == ("exercise2", 20)
    assert not group.same_file


def test_who_is_stuck(course: Course) -> None:
    """At the first exercise that is there and has not full marks."""
    rows = {row.student.student: row for row in statistics.matrix(course)}
    stuck = rows["4711"].stuck
    assert stuck is not None
    assert stuck.exercise.name == "exercise1"
    assert [check.id for check in stuck.not_passed] == ["waits"]
    assert rows["4712"].stuck is None
    assert rows["4712"].score == 10
    assert rows["4714"].has_nothing
    assert rows["4713"].places[1].state == "grader-error"
    assert rows["4713"].open == 3


def test_the_clearest_example(course: Course) -> None:
    """One with a story, before one without."""
    silent = result("4711", "exercise1", finding("zombie-left", "no story"))
    kept = {**course.results, ("4711", "exercise1"): silent}
    first, *_ = statistics.misconceptions(replace(course, results=kept))
    assert first.example.student.student == ATTACK


@given(st.lists(st.integers(0, 150)), st.integers(0, 150))
def test_every_score_is_in_one_bin(scores: list[int], points: int) -> None:
    """Ranges are of one width, follow each other and begin at zero."""
    bins = statistics.bins(scores, points)
    assert sum(one.count for one in bins) == len(scores)
    assert bins[0].first == 0
    assert all(b.first == a.last + 1 for a, b in pairwise(bins))
    assert len({one.last - one.first for one in bins[:-1]}) <= 1


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=21))
def test_axes_begin_at_zero_and_are_linear(counts: list[int]) -> None:
    """A bar is as high as its number says, and stays inside."""
    bins = [statistics.Bin(n, n, count) for n, count in enumerate(counts)]
    plot = charts.histogram(bins, max(counts))
    assert plot.ticks[0] == charts.Tick(plot.bottom, 0)
    assert plot.ticks[-1].value >= max(counts)
    unit = (plot.bottom - plot.ticks[-1].at) / plot.ticks[-1].value
    for bar in plot.bars:
        assert bar.height == pytest.approx(bar.value * unit, abs=0.02)
        assert bar.y + bar.height == pytest.approx(plot.bottom, abs=0.02)
        assert plot.left <= bar.x <= bar.x + bar.width <= plot.right


def test_parts_of_a_whole() -> None:
    """They fill it, each as wide as its number."""
    one, two = charts.stacked([("a", 1), ("b", 3)], 8, width=800)
    assert (one.x, one.width, two.x, two.width) == (0, 100, 100, 300)
    assert charts.stacked([("a", 0)], 0)[0].width == 0


def test_results_without_a_class(tmp_path: Path) -> None:
    """Those of an older forklab: what there was to do is what was done."""
    make(tmp_path)
    (tmp_path / "class.json").unlink()
    course = read_course(tmp_path)
    assert [exercise.name for exercise in course.exercises] == [
        "exercise1",
        "exercise2",
    ]
    assert {s.student for s in course.students} == {r.student for r in RESULTS}
    assert all(student.enrolled is None for student in course.students)


def test_an_exercise_that_nobody_handed_in(tmp_path: Path) -> None:
    """Has no part in it, as it has none in the gradebook: nobody lacks its points."""
    folder = make(tmp_path)
    later = replace(EXERCISES[0], name="exercise3")
    known = ClassList(STUDENTS, (*EXERCISES, later))
    save_class(folder, known)
    course = read_course(folder)
    assert [e.name for e in course.exercises] == ["exercise1", "exercise2"]
    assert course.points == 10
    document = Unreadable("4714", "exercise3", "a.docx", "is no .py file")
    save_class(folder, replace(known, unreadable=(document,)))
    assert [e.name for e in read_course(folder).exercises][2:] == ["exercise3"]


def test_what_is_no_results(tmp_path: Path) -> None:
    """One sentence that says what to do."""
    with pytest.raises(UsageError, match="is not a folder"):
        read_course(tmp_path / "absent")
    with pytest.raises(UsageError, match="there are no results"):
        read_course(tmp_path)
    make(tmp_path)
    (tmp_path / "class.json").write_text("{}")
    with pytest.raises(UsageError, match="is not what `grade course` wrote"):
        read_course(tmp_path)


def test_a_check_that_a_result_has_not(course: Course) -> None:
    """Of an exercise that has changed since: not passed."""
    old = replace(course.results["4712", "exercise1"].verdict, checks=())
    kept = dict(course.results)
    kept["4712", "exercise1"] = replace(kept["4712", "exercise1"], verdict=old)
    _, waits, *_ = statistics.check_figures(replace(course, results=kept))
    assert waits.passed == 0


def test_what_is_no_program(tmp_path: Path) -> None:
    """It is of its exercise; of any, where it has none and nothing else is there."""

    def unreadable(*files: tuple[str, str]) -> set[tuple[str, str]]:
        told = [Unreadable(s, exercise, "a.docx", "is none") for s, exercise in files]
        save_class(folder, ClassList(STUDENTS, EXERCISES, tuple(told)))
        return {*read_course(folder).unreadable}

    folder = make(tmp_path)
    one, two = ("4714", "exercise1"), ("4714", "exercise2")
    assert unreadable(("4714", "exercise2")) == {two}
    assert unreadable(("4714", "exercise10")) == set()
    assert unreadable(("4714", "")) == {one, two}
    assert unreadable(("4711", "exercise1"), ("4711", "")) == set()
    unreadable(("eve", "exercise1"), ("4714", "exercise1"))
    course = read_course(folder)
    assert "eve" in [student.student for student in course.students]
    figures = {f.exercise.name: f for f in statistics.figures(course)}
    assert figures["exercise1"].unreadable == 2
    assert figures["exercise1"].missing == []
    assert figures["exercise1"].everybody == 6
    rows = {row.student.student: row for row in statistics.matrix(course)}
    assert [place.state for place in rows["4714"].places] == ["unreadable", "missing"]
    assert not rows["4714"].has_nothing
    assert rows["4714"].stuck == rows["4714"].places[0]
