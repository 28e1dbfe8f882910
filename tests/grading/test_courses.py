"""Courses that lie outside forklab: where their parts are, and what is said of none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.catalog import (
    Course,
    course_in_use,
    find,
    find_exercises,
    names,
    own_course,
    using,
    with_course,
)
from grader.course.handed_in import Attempt
from grader.course.results import key_of
from grader.diagnosis.texts import all_ids, text
from grader.errors import CatalogError, UsageError
from grader.hints import next_hint
from grader.session import grade
from grader.starting import hand_out
from grader.verdict import CheckOutcome

OWN = own_course()
RIGHT = OWN.solutions / "exercise1" / "exercise1.py"

HIDDEN = '''\
"""Hidden checks."""

from grader.checking import Submission, assert_that, found, points


@points(4)
def test_is_never_right(program: Submission) -> None:
    """Nobody passes this."""
    run = program.run()
    assert_that(run).holds([found("not-polite", "it said no word of thanks", run)])
'''

TEXT = """\
# not-polite: a program without manners

## What it means

It gives no thanks.

## Why it is wrong

Manners cost nothing.

## What to do

Say thanks.

## Read

- wait(2)
"""


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Exercise 1 alone, with a hidden check and a diagnosis of the course's own."""
    course = Course(tmp_path / "course")
    shutil.copytree(
        OWN.exercises / "exercise1",
        course.exercises / "exercise1",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    hidden = course.hidden / "exercise1" / "test_exercise1.py"
    hidden.parent.mkdir(parents=True)
    hidden.write_text(HIDDEN)
    course.diagnoses.mkdir()
    (course.diagnoses / "not-polite.md").write_text(TEXT)
    return course


def test_it_is_in_use_for_a_while(course: Course) -> None:
    """And forklab's own before and after."""
    before = names()
    with using(course.folder):
        assert names() == list(find_exercises()) == ["exercise1"]
        assert course_in_use().folder == course.folder
        with pytest.raises(UsageError, match="grade list --course"):
            find("exercise2")
        assert with_course("grade all") == f"grade all --course {course.folder}"
    assert names() == before
    assert with_course("grade all") == "grade all"


def test_a_command_names_it_from_here_or_from_anywhere(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shown can be copied, also where a folder has a blank in its name."""
    monkeypatch.chdir(course.folder.parent)
    shutil.move("course", "a course")
    with using(Path("a course")):
        assert with_course("grade all") == "grade all --course 'a course'"
        anywhere = f"grade all --course '{Path.cwd() / 'a course'}'"
        assert with_course("grade all", elsewhere=True) == anywhere


def test_hidden_checks_are_graded_too(course: Course) -> None:
    """In one go with the public ones, after them, and marked."""
    with using(course.folder):
        exercise = find("exercise1")
        verdict = grade(exercise, RIGHT)
    assert [check.hidden for check in exercise.checks] == [False] * 6 + [True]
    assert (verdict.score, verdict.max_score) == (10, 14)
    *public, last = verdict.checks
    assert {check.outcome for check in public} == {CheckOutcome.PASSED}
    assert not any(check.hidden for check in public)
    assert last.hidden
    assert [finding.id for finding in last.findings] == ["not-polite"]
    assert last.findings[0].why == "Manners cost nothing."


def test_hidden_checks_are_never_handed_out(course: Course, tmp_path: Path) -> None:
    """Nor anything else but the hand-out and the stub."""
    with using(course.folder):
        done = hand_out(find_exercises().values(), tmp_path / "student")
    files = {path.name for path in (tmp_path / "student").rglob("*") if path.is_file()}
    assert files == {"README.md", "exercise1.py"}
    assert len(done) == 2


def test_a_result_depends_on_what_is_hidden(course: Course) -> None:
    """On the hidden checks and on the course's texts, which are in the verdict."""

    def key() -> str:
        with using(course.folder):
            exercise = find("exercise1")
        return key_of(Attempt("ada", "exercise1", "f", b"source"), exercise)

    keys = [key()]
    hidden = course.hidden / "exercise1" / "test_exercise1.py"
    hidden.write_text(HIDDEN.replace("@points(4)", "@points(5)"))
    keys.append(key())
    (course.diagnoses / "not-polite.md").write_text(TEXT.replace("nothing", "little"))
    keys.append(key())
    hidden.unlink()
    hidden.parent.rmdir()
    keys.append(key())
    assert len(set(keys)) == 4
    assert key() == keys[-1]


def test_its_diagnoses_add_to_forklab_s(course: Course) -> None:
    """And replace none."""
    (course.diagnoses / "zombie-left.md").write_text(TEXT)
    own = text("zombie-left")
    with using(course.folder):
        assert "not-polite" in all_ids()
        assert text("not-polite").title == "a program without manners"
        assert text("zombie-left") == own
        (course.diagnoses / "other.md").write_text("# other: x\n")
    assert "not-polite" not in all_ids()
    with using(course.folder), pytest.raises(CatalogError, match=r"other\.md is no"):
        text("other")


def test_hints_of_two_courses_are_counted_apart(
    course: Course, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both have an exercise 1."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with using(course.folder):
        theirs = find("exercise1")
    for number in (1, 2):
        hint = next_hint(theirs)
        assert hint is not None
        assert hint.number == number
    own = next_hint(find("exercise1"))
    assert own is not None
    assert own.number == 1


BROKEN: dict[str, tuple[Callable[[Course], object], str]] = {
    "a check's id twice": (
        lambda c: _write(
            c.hidden / "exercise1" / "test_exercise1.py",
            HIDDEN.replace("is_never_right", "forks_one_child"),
        ),
        "there is a public check 'forks-one-child' too",
    ),
    "no hidden check": (
        lambda c: _write(c.hidden / "exercise1" / "test_exercise1.py", '"""None."""'),
        "has no checks",
    ),
    "no hidden file": (
        lambda c: (c.hidden / "exercise1" / "test_exercise1.py").unlink(),
        "test_exercise1.py is missing: hidden checks go into it",
    ),
    "another name": (
        lambda c: (c.exercises / "exercise-pipes").mkdir(),
        "has no exercise's name: call it exercise and a number",
    ),
    "hints that are none": (
        lambda c: _write(
            c.exercises / "exercise1" / "exercise.toml",
            'title = ""\nsummary = ""\narguments = ""\nteaches = []\nhints = [1]',
        ),
        "'hints' may have nothing but strings in it",
    ),
}


def _write(path: Path, content: str) -> None:
    assert path.exists()
    path.write_text(content)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_course_is_told_so(course: Course, fault: str) -> None:
    """In one sentence that names the file."""
    break_it, said = BROKEN[fault]
    break_it(course)
    with using(course.folder), pytest.raises(CatalogError, match="exercise") as caught:
        find_exercises()
    assert said in str(caught.value)


def test_what_is_no_course(course: Course, tmp_path: Path) -> None:
    """One sentence each that says what to do."""
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "none" / "exercises").mkdir(parents=True)
    for folder, said in {
        tmp_path / "absent": "does not exist; `grade new exercise1 --course FOLDER`",
        tmp_path / "file": "is not a folder",
        tmp_path / "empty": "there is no folder exercises in it",
        tmp_path / "none": "holds no exercise;",
        course.exercises: "name the folder that exercises/ lies in",
        tmp_path / "file" / "below": "does not exist",
        tmp_path / ("x" * 300): "cannot be read: File name too long",
    }.items():
        with pytest.raises(UsageError) as caught, using(folder):
            pass
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_changed_title_of_a_hidden_check_stays_hidden(course: Course) -> None:
    """What a check process sends of itself counts for nothing."""
    with using(course.folder):
        exercise = find("exercise1")
        bare = replace(exercise.checks[-1], title="Secret", points=1)
        changed = replace(exercise, checks=(*exercise.checks[:-1], bare))
        verdict = grade(changed, RIGHT, only=bare.id)
    (check,) = verdict.checks
    assert (check.title, check.points, check.hidden) == ("Secret", 1, True)
