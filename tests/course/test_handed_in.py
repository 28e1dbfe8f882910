"""What each platform exports is told apart, and so are its students."""

from __future__ import annotations

import errno
import io
import os
import re
import tempfile
import warnings
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.course import archives
from grader.course.handed_in import Attempt, handed_in, newest
from grader.errors import UsageError

ALL = ("exercise1", "exercise2", "exercise3", "exercise4")

METADATA = """\
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :email: ada@example.org
    :sid: '4711'
  - :name: Mary Somerville
    :email: mary@example.org
  :created_at: 2026-10-01 12:00:00.000000000 Z
submission_12:
  :created_at: yesterday
"""

# How files lie, and whose exercise each is then.
LAYOUTS = {
    "a folder each": (
        ["ada/exercise1.py", "ada/exercises/exercise2/exercise2.py", "bob/notes.py"],
        ALL,
        {("ada", "exercise1"), ("ada", "exercise2")},
    ),
    "a folder an exercise": (
        [
            "exercise1/ada/exercise1.py",
            "exercise1/bob/solution.py",
            "exercise2/ada.py",
            "exercise9/ada.py",
        ],
        ALL,
        {("ada", "exercise1"), ("bob", "exercise1"), ("ada", "exercise2")},
    ),
    "one student, as handed out": (
        [
            "ada/exercises/exercise1/exercise1.py",
            "ada/exercises/exercise2/exercise2.py",
        ],
        ALL,
        {("ada", "exercise1"), ("ada", "exercise2")},
    ),
    "names as people write them": (
        ["ada/Exercise1.py", "bob/exercise_1.py", "eve/exercise1 (1).py"],
        ALL,
        {("ada", "exercise1"), ("bob", "exercise1"), ("eve", "exercise1")},
    ),
    "names around the exercise's": (
        ["hw2_exercise1_ada.py", "hw2_exercise1_bob.py"],
        ALL,
        {("hw2_ada", "exercise1"), ("hw2_bob", "exercise1")},
    ),
    "a folder each, in one": (
        ["all/ada/exercise1.py", "all/bob/exercise1.py"],
        ALL,
        {("ada", "exercise1"), ("bob", "exercise1")},
    ),
    "sections": (
        [
            "groupA/ada/exercise1.py",
            "groupA/bob/exercises/exercise1/exercise1.py",
            "Class 2/dora/exercise1.py",
            "Class 2/eve/exercise1.py",
        ],
        ALL,
        {(name, "exercise1") for name in ("ada", "bob", "dora", "eve")},
    ),
    "sections with people of the same name": (
        [
            "groupA/ada/exercise1.py",
            "groupA/bob/exercise1.py",
            "groupB/ada/exercise1.py",
            "groupB/eve/exercise1.py",
        ],
        ALL,
        {
            ("groupA/ada", "exercise1"),
            ("bob", "exercise1"),
            ("groupB/ada", "exercise1"),
            ("eve", "exercise1"),
        },
    ),
    "sections of Moodle": (
        [
            "groupA/Ada Lovelace_4711_assignsubmission_file_/exercise2.py",
            "groupB/Bob Jones_4712_assignsubmission_file_/exercise2.py",
        ],
        ALL,
        {("4711", "exercise2"), ("4712", "exercise2")},
    ),
    "sections of Canvas's files": (
        [
            "groupA/lovelace_4711_815_exercise2.py",
            "groupA/jones_LATE_4712_816_exercise2-1.py",
            "groupB/somerville_4713_817_exercise2.py",
        ],
        ALL,
        {(number, "exercise2") for number in ("4711", "4712", "4713")},
    ),
    "sections of Canvas's files, of one exercise": (
        [
            "groupA/lovelace_4711_815_pipe.py",
            "groupA/jones_4712_816_my work.py",
            "groupB/bell_4713_817_pipe.py",
        ],
        ("exercise2",),
        {(number, "exercise2") for number in ("4711", "4712", "4713")},
    ),
    "names with numbers, of one exercise": (
        ["ada/hw_1_2_final.py", "bob/pipe_3_4_mine.py", "eve/hw_5_6_new/exercise2.py"],
        ("exercise2",),
        {("ada", "exercise2"), ("bob", "exercise2"), ("eve", "exercise2")},
    ),
    "sections of Canvas's files in folders of their own, with a stub": (
        [
            "groupA/submissions/lovelace_4711_815_exercise2.py",
            "groupA/submissions/jones_4712_816_exercise2.py",
            "groupB/exercise2.py",
            "groupB/somerville_4713_817_exercise2.py",
            "groupB/bell_4714_818_exercise2.py",
        ],
        ALL,
        {(number, "exercise2") for number in ("4711", "4712", "4713", "4714")},
    ),
    "a student's copy of what Canvas has": (
        ["ada/exercise2.py", "ada/lovelace_4711_815_exercise2.py", "bob/exercise2.py"],
        ALL,
        {("ada", "exercise2"), ("bob", "exercise2")},
    ),
    "sections of Moodle's files": (
        [
            "groupA/Ada Lovelace_4711_assignsubmission_file_exercise2.py",
            "groupB/Bob Jones_4712_assignsubmission_file_exercise2.py",
        ],
        ALL,
        {("4711", "exercise2"), ("4712", "exercise2")},
    ),
    "sections of Gradescope": (
        [
            "groupA/submission_metadata.yml",
            "groupA/submission_11/exercise2.py",
            "groupB/assignment_9_export/submission_metadata.yml",
            "groupB/assignment_9_export/submission_12/exercise2.py",
        ],
        ALL,
        {
            ("4711", "exercise2"),
            ("mary@example.org", "exercise2"),
            ("submission_12", "exercise2"),
        },
    ),
    "assignments of GitHub Classroom": (
        [
            "forks-submissions/forks-ada/exercise1.py",
            "pipes-submissions/pipes-ada/exercise2.py",
            "pipes-submissions/pipes-bob/exercises/exercise2/exercise2.py",
        ],
        ALL,
        {("ada", "exercise1"), ("ada", "exercise2"), ("bob", "exercise2")},
    ),
    "sections of a file each": (
        [
            "groupA/ada_exercise1.py",
            "groupA/ada_exercise2.py",
            "groupA/bob_exercise1.py",
            "groupB/exercise1_dora.py",
            "groupB/exercise1_eve.py",
        ],
        ALL,
        {
            ("ada", "exercise1"),
            ("ada", "exercise2"),
            *((name, "exercise1") for name in ("bob", "dora", "eve")),
        },
    ),
    "sections of files and folders, with people of the same name": (
        [
            "groupA/ada_exercise1.py",
            "groupA/bob/exercise1.py",
            "groupA/kim_exercise1.py",
            "groupB/ada_exercise1.py",
            "groupB/bob_exercise1.py",
            "groupB/eve/exercise1.py",
            "groupB/joe/exercise1.py",
        ],
        ALL,
        {
            *((f"group{a}/{b}", "exercise1") for a in "AB" for b in ("ada", "bob")),
            *((name, "exercise1") for name in ("kim", "eve", "joe")),
        },
    ),
    "a folder a week": (
        [
            *(f"week 1/{name}/exercise1.py" for name in ("ada", "bob", "kim")),
            *(f"week 2/{name}_exercise2.py" for name in ("ada", "bob")),
        ],
        ALL,
        {
            *((name, "exercise1") for name in ("ada", "bob", "kim")),
            *((name, "exercise2") for name in ("ada", "bob")),
        },
    ),
    "sections, one with nobody of its own": (
        [f"groupA/{name}_exercise1.py" for name in ("ada", "bob", "kim")]
        + [f"groupB/{name}_exercise1.py" for name in ("ada", "bob")],
        ALL,
        {
            *((f"group{a}/{b}", "exercise1") for a in "AB" for b in ("ada", "bob")),
            ("kim", "exercise1"),
        },
    ),
    "a folder an exercise in sections": (
        [
            "groupA/exercise1/ada/exercise1.py",
            "groupA/exercise1/bob/exercise1.py",
            "groupA/exercise2/ada/solution.py",
            "groupB/exercise1/dora_exercise1.py",
            "groupB/exercise1/eve_exercise1.py",
        ],
        ALL,
        {
            ("ada", "exercise2"),
            *((name, "exercise1") for name in ("ada", "bob", "dora", "eve")),
        },
    ),
    "sections in a folder an exercise": (
        [
            "exercise1/groupA/ada_exercise1.py",
            "exercise1/groupA/bob_exercise1.py",
            "exercise2/groupA/ada_exercise2.py",
        ],
        ALL,
        {("ada", "exercise1"), ("bob", "exercise1"), ("ada", "exercise2")},
    ),
    "folders that all students have": (
        [
            f"{who}/{which}/exercise1.py"
            for who in ("ada", "bob")
            for which in ("a", "b")
        ],
        ALL,
        {("ada", "exercise1"), ("bob", "exercise1")},
    ),
    "a folder in a student's folder": (
        [
            "ada/hw/exercise1.py",
            "bob/old/exercise1.py",
            "bob/new/exercise1.py",
            "eve/exercise1.py",
        ],
        ALL,
        {("ada", "exercise1"), ("bob", "exercise1"), ("eve", "exercise1")},
    ),
    "two attempts of one of two": (
        ["ada/old/exercise1.py", "ada/new/exercise1.py", "bob/src/exercise1.py"],
        ALL,
        {("ada", "exercise1"), ("bob", "exercise1")},
    ),
    "a stub beside the students, in one": (
        ["all/exercise1.py", "all/ada/exercise1.py", "all/bob/exercise1.py"],
        ALL,
        {("ada", "exercise1"), ("bob", "exercise1")},
    ),
    "files with attempts": (
        ["ada_exercise1.py", "ada_exercise1 (1).py", "bob_exercise1-1.py"],
        ALL,
        {("ada", "exercise1"), ("bob", "exercise1")},
    ),
    "beside helpers of tests": (
        ["ada.py", "conftest.py", "test_exercise.py"],
        ("exercise3",),
        {("ada", "exercise3")},
    ),
    "one student": (["ada/exercise1.py"], ALL, {("ada", "exercise1")}),
    "a file each": (
        ["ada_exercise1.py", "exercise2-bob.py", "eve.py"],
        ALL,
        {("ada", "exercise1"), ("bob", "exercise2")},
    ),
    "a file each, of one exercise": (
        ["ada.py", "bob.py"],
        ("exercise3",),
        {("ada", "exercise3"), ("bob", "exercise3")},
    ),
    "any name, of one exercise": (
        ["ada/solution.py", "bob/a.py", "bob/b.py"],
        ("exercise3",),
        {("ada", "exercise3")},
    ),
    "Moodle": (
        [
            "Ada Lovelace_4711_assignsubmission_file_/exercise2.py",
            "Bob Jones_4712_assignsubmission_file_/exercise2.py",
        ],
        ALL,
        {("4711", "exercise2"), ("4712", "exercise2")},
    ),
    "Moodle without folders": (
        ["Ada Lovelace_4711_assignsubmission_file_exercise2.py"],
        ALL,
        {("4711", "exercise2")},
    ),
    "Canvas": (
        ["lovelaceada_4711_815_exercise2-1.py", "jonesbob_LATE_4712_816_exercise2.py"],
        ALL,
        {("4711", "exercise2"), ("4712", "exercise2")},
    ),
    "Canvas, with another file": (
        ["ada_4711_815_exercise2.py", "ada_4711_816_utils.py"],
        ("exercise2",),
        {("4711", "exercise2")},
    ),
    "Canvas, with numbers in names": (
        ["group_1_4711_815_exercise1.py"],
        ALL,
        {("4711", "exercise1")},
    ),
    "Gradescope": (
        [
            "assignment_9_export/submission_metadata.yml",
            "assignment_9_export/submission_11/exercise2.py",
            "assignment_9_export/submission_12/exercise2.py",
        ],
        ALL,
        {
            ("4711", "exercise2"),
            ("mary@example.org", "exercise2"),
            ("submission_12", "exercise2"),
        },
    ),
    "GitHub Classroom, one student": (
        ["pipes-ada/exercises/exercise2/exercise2.py"],
        ALL,
        {("ada", "exercise2")},
    ),
    "GitHub Classroom": (
        ["pipes-ada/exercises/exercise2/exercise2.py", "pipes-bob-2/exercise2.py"],
        ALL,
        {("ada", "exercise2"), ("bob-2", "exercise2")},
    ),
}


def _content(name: str) -> str:
    return METADATA if name.endswith(".yml") else f"# {name}\n"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("packed", [False, True])
def test_layouts(tmp_path: Path, layout: str, packed: bool) -> None:
    """The same from a folder and from an archive of it."""
    files, exercises, expected = LAYOUTS[layout]
    top = tmp_path / ("pipes-submissions.zip" if packed else "pipes-submissions")
    if packed:
        with zipfile.ZipFile(top, "w") as archive:
            for name in files:
                archive.writestr(f"pipes-submissions/{name}", _content(name))
    for name in () if packed else files:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(_content(name))
    attempts = handed_in(top, exercises).attempts
    assert {(a.student, a.exercise) for a in attempts} == expected
    assert all(a.source.startswith(b"# ") for a in attempts)


def test_what_platforms_know_beside_the_files(tmp_path: Path) -> None:
    """Names, numbers of attempts, what was late, and when it came."""
    for folder in ("Canvas", "Gradescope", "Moodle"):
        for name in LAYOUTS[folder][0]:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_content(name))

    def by_student(folder: str) -> dict[str, Attempt]:
        return {a.student: a for a in handed_in(tmp_path / folder, ALL).attempts}

    canvas = by_student("Canvas")
    assert (canvas["4711"].number, canvas["4711"].late) == (1, False)
    assert (canvas["4712"].number, canvas["4712"].late) == (0, True)
    assert canvas["4711"].name == "lovelaceada"
    moodle = by_student("Moodle")
    assert moodle["4711"].name == "Ada Lovelace"
    gradescope = {
        a.student: a for a in handed_in(tmp_path / "Gradescope", ALL).attempts
    }
    assert gradescope["4711"].when == datetime(2026, 10, 1, 12, tzinfo=UTC)
    assert gradescope["4711"].source == gradescope["mary@example.org"].source
    assert gradescope["submission_12"].when is not None  # the file's own time


def test_archives_in_a_folder(tmp_path: Path) -> None:
    """Each is one student's."""
    for student in ("ada", "bob"):
        with zipfile.ZipFile(tmp_path / f"{student}.zip", "w") as archive:
            archive.writestr("exercise1.py", f"# {student}\n")
    attempts = handed_in(tmp_path, ALL).attempts
    assert {a.student: a.source for a in attempts} == {
        "ada": b"# ada\n",
        "bob": b"# bob\n",
    }


def test_what_is_not_graded_is_told(tmp_path: Path) -> None:
    """Other files, damaged archives, archives in archives; and the rest is graded."""
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "exercise1.py").write_text("right")
    (tmp_path / "ada" / "notes.py").write_text("")
    (tmp_path / "bob.zip").write_bytes(b"PK no")
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("work/exercise1.py", "nested")
    with zipfile.ZipFile(tmp_path / "moodle.zip", "w") as archive:
        archive.writestr("Eve_12_assignsubmission_file_/work.zip", inner.getvalue())
    deeper = io.BytesIO()
    with zipfile.ZipFile(deeper, "w") as archive:
        archive.writestr("work.zip", inner.getvalue())
    with zipfile.ZipFile(tmp_path / "moodle.zip", "a") as archive:
        archive.writestr("Kim_14_assignsubmission_file_/a.zip", deeper.getvalue())
        archive.writestr("Max_15_assignsubmission_file_/a.zip", b"PK no")
    (tmp_path / "eve_13_814_work.zip").write_bytes(inner.getvalue())
    found = handed_in(tmp_path, ALL)
    assert {a.student for a in found.attempts} == {"ada", "12", "13"}
    of_kim, of_max = (
        f"moodle/{name}_assignsubmission_file_/a.zip" for name in ("Kim_14", "Max_15")
    )
    assert [(n.student, n.file, n.why) for n in found.no_programs] == [
        ("bob", "bob.zip", "cannot be read: it is damaged, or no archive"),
        ("14", of_kim, "holds another archive; unpack it"),
        ("15", of_max, "cannot be read: it is damaged, or no archive"),
    ]
    assert found.ignored == ["not graded: 1 file not called exerciseN.py: ada/notes.py"]
    attempts = handed_in(tmp_path / "moodle.zip", ALL).attempts
    assert {(a.student, a.source) for a in attempts} == {
        ("12", b"nested"),
        ("14", b"nested"),
    }


# What lies there beside ada/exercise1.py; who handed in no program; what else is told.
NO_PROGRAMS = {
    "a document": (["bob/exercise1.docx"], ALL, {"bob: is no .py file"}, []),
    "another suffix": (["bob/exercise1.py.txt"], ALL, {"bob: is no .py file"}, []),
    "an archive of another kind": (
        ["bob/work.rar", "eve.7z"],
        ALL,
        {
            f"{name}: is an archive that cannot be opened here; make it a .zip"
            for name in ("bob", "eve")
        },
        [],
    ),
    "one of two": (["ada/exercise2.ipynb"], ALL, {"ada: is no .py file"}, []),
    "beside a program": (["ada/exercise1.txt", "ada/report.pdf"], ALL, set(), []),
    "a text that was written into Moodle": (
        ["Bob Jones_4712_assignsubmission_onlinetext_/onlinetext.html"],
        ALL,
        {"4712: is no .py file"},
        [],
    ),
    "on Canvas": (["bob_4712_816_exercise1.docx"], ALL, {"4712: is no .py file"}, []),
    "a file elsewhere": (["ada_exercise1.pdf"], ALL, set(), []),
    "nobody's": (["grades.csv"], ALL, set(), ["under no student's name"]),
    "nobody's, of one exercise": (
        ["grades.csv"],
        ("exercise1",),
        set(),
        ["under no student's name"],
    ),
    "another name": (
        ["bob/fork.py"],
        ALL,
        {"bob: is not called exerciseN.py"},
        [],
    ),
    "two names of one exercise": (
        ["bob/a.py", "bob/b.py"],
        ("exercise1",),
        {"bob: is not called exercise1.py"},
        ["one student's folder"],
    ),
    "another exercise": (
        ["bob/exercise2.py", "bob/README.md"],
        ("exercise1",),
        set(),
        ["of an exercise that is not graded here"],
    ),
    "an exercise that there is not": (
        ["bob/exercise99.py"],
        ALL,
        set(),
        ["of an exercise that is not graded here"],
    ),
    "two of the same": (
        ["ada/old/exercise1.py"],
        ALL,
        set(),
        ["where another one of the same student and exercise is graded"],
    ),
}


@pytest.mark.parametrize("case", NO_PROGRAMS)
def test_who_handed_in_no_program(tmp_path: Path, case: str) -> None:
    """It is said of each, and why; what is no one's attempt is told in all."""
    files, exercises, expected, kinds = NO_PROGRAMS[case]
    for name in ("ada/exercise1.py", *files):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = handed_in(tmp_path, exercises)
    assert [a.file for a in found.attempts] == ["ada/exercise1.py"]
    assert {f"{n.student}: {n.why}" for n in found.no_programs} == expected
    assert {n.file for n in found.no_programs} <= set(files)
    assert len(found.ignored) == len(kinds)
    for sentence, kind in zip(found.ignored, kinds, strict=True):
        assert f" {kind}: " in sentence


def test_a_file_counts_for_no_other_exercise(tmp_path: Path) -> None:
    """However it lies; not even where one exercise alone is graded."""
    for name in (
        "ada/exercise2.py",
        "bob/my_exercise2.py",
        "exercise1/eve/exercise2.py",
        "exercise1/joe_exercise2.py",
        "kim_exercise2.py",
        "Lee_4711_assignsubmission_file_exercise2.py",
        "Max_4712_assignsubmission_file_my_exercise2.py",
        "max_4713_815_exercise2.py",
        "zoe/anything.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    attempts = handed_in(tmp_path, ("exercise1",)).attempts
    assert [attempt.file for attempt in attempts] == ["zoe/anything.py"]


def test_names_are_the_same_however_they_are_composed(tmp_path: Path) -> None:
    """Some systems write an umlaut as one character, others as two."""
    composed, decomposed = "J\u00fcrgen", "Ju\u0308rgen"
    for name in (composed, decomposed):
        with zipfile.ZipFile(tmp_path / f"{len(name)}.zip", "w") as archive:
            archive.writestr(f"all/{name}/exercise1.py", "right")
            archive.writestr("all/bob/exercise1.py", "right")
        students = {
            attempt.student
            for attempt in handed_in(tmp_path / f"{len(name)}.zip", ALL).attempts
        }
        assert students == {composed, "bob"}


def test_two_of_one_name(tmp_path: Path) -> None:
    """The newest counts, of an archive the last; the others are told."""
    (tmp_path / "ada").mkdir()
    program = tmp_path / "ada" / "exercise1.py"
    program.write_text("newest")
    with (
        zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive,
        warnings.catch_warnings(action="ignore"),
    ):
        archive.writestr(zipfile.ZipInfo("exercise1.py"), "first")
        archive.writestr(zipfile.ZipInfo("exercise1.py"), "last")
    found = handed_in(tmp_path, ALL)
    assert [attempt.source for attempt in found.attempts] == [b"newest"]
    (told,) = found.ignored
    assert "2 files where another one of the same student" in told
    program.unlink()
    (attempt,) = handed_in(tmp_path, ALL).attempts
    assert attempt.source == b"last"
    with pytest.raises(UsageError, match=r"whose exercise1\.py is; put it into a"):
        handed_in(tmp_path / "ada.zip", ALL)


def test_another_file_of_a_student_is_not_the_newer_attempt(tmp_path: Path) -> None:
    """Canvas exports all files of all students side by side."""
    for name in ("ada_4711_815_exercise2.py", "ada_4711_816_utils.py"):
        (tmp_path / name).write_text(name)
    (attempt,) = handed_in(tmp_path, ("exercise2",)).attempts
    assert attempt.file == "ada_4711_815_exercise2.py"


def test_the_newest_of_two_that_lie_alike(tmp_path: Path) -> None:
    """Neither lies higher."""
    for name, when in (("a", 2_000), ("b", 3_000), ("c", 1_000)):
        file = tmp_path / "ada" / name / "exercise1.py"
        file.parent.mkdir(parents=True)
        file.write_text(name)
        os.utime(file, (when, when))
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "exercise1.py").write_text("right")
    found = {a.student: a.source for a in handed_in(tmp_path, ALL).attempts}
    assert found == {"ada": b"b", "bob": b"right"}


# What may be a section or a student; how it is then told.
DOUBTFUL = {
    "files": (["groupA/bob_exercise1.py", "groupA/eve_exercise1.py"], "groupA"),
    "folders": (["groupA/bob/exercise1.py", "groupA/eve/exercise1.py"], "groupA"),
    "a stub": (
        [f"groupA/{name}exercise1.py" for name in ("", "bob/", "eve/")],
        "groupA",
    ),
    "deeper": (
        ["groupA/x/y/bob/exercise1.py", "groupA/x/z/eve/exercise1.py"],
        "groupA",
    ),
    "parts": ([f"{a}/exercise1_{b}.py" for a in "bc" for b in "xy"], "b, c"),
}


@pytest.mark.parametrize("case", DOUBTFUL)
def test_what_may_be_a_section_is_told_with_what_to_do(
    tmp_path: Path, case: str
) -> None:
    """It is taken for a student: nobody's work counts for somebody else by a guess."""
    files, folders = DOUBTFUL[case]
    for name in ("joe/exercise1.py", *files):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = handed_in(tmp_path, ALL)
    students = {path.split("/")[0] for path in files}
    assert found.names().keys() <= {"joe"} | students
    (told,) = [s for s in found.ignored if s.startswith("taken for")]
    assert told.startswith(f"taken for one student's folder: {folders}; ")
    example = f"`grade course SUBMISSIONS/{folders.split(',')[0]}`"
    assert told.endswith(f"grade it by itself, as {example}")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Files and folders that may not be read, whoever runs the tests."""
    paths: set[Path] = set()
    scandir = os.scandir

    def check(path: str | Path) -> None:
        if Path(path) in paths:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    def scanned(path: str | Path) -> object:
        check(path)
        return scandir(path)

    def opened(path: Path, mode: Literal["rb"]) -> BinaryIO:
        check(path)
        return open(path, mode)

    monkeypatch.setattr(os, "scandir", scanned)
    monkeypatch.setattr(archives, "open", opened, raising=False)
    return paths


# What cannot be read, and who it is then that handed something in.
REFUSED = {
    "a file of a section": (
        ["A/x/", "A/y/", "B/u/", "B/v/"],
        ["A/y/exercise1.py"],
        {"x", "u", "v"},
        {"y"},
    ),
    "files and folders of a section": (
        [f"{section}/{name}/" for section in "AB" for name in "xyz"],
        ["A/y/exercise1.py", "A/x"],
        {"A/z", "B/x", "B/y", "B/z"},
        {"A/x", "A/y"},
    ),
    "all folders of a section": (
        [f"{section}/{name}/" for section in "AB" for name in "xyz"],
        ["A/x", "A/y", "A/z"],
        {"B/x", "B/y", "B/z"},
        {"A/x", "A/y", "A/z"},
    ),
    "a section": (
        [f"{section}/{name}/" for section in "ABC" for name in "xyz"],
        ["C"],
        {f"{section}/{name}" for section in "AB" for name in "xyz"},
        set(),
    ),
    "a student's folder": (["ada/", "bob/"], ["bob"], {"ada"}, {"bob"}),
    "a student's folder beside one in another": (
        ["ada/work/", "bob/work/"],
        ["bob"],
        {"ada"},
        {"bob"},
    ),
    "a student's old folder": (["ada/", "ada/old/"], ["ada/old"], {"ada"}, set()),
    "a folder of Moodle's": (
        [f"{name}_assignsubmission_file_/" for name in ("A B_41", "C D_42")],
        ["C D_42_assignsubmission_file_"],
        {"41"},
        {"42"},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_may_not_be_read_is_told_and_has_its_place(
    tmp_path: Path, refused: set[Path], case: str
) -> None:
    """Nobody's work counts for somebody else because it is missing."""
    folders, closed, graded, without = REFUSED[case]
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "exercise1.py").write_text(folder)
    refused |= {tmp_path / name for name in closed}
    found = handed_in(tmp_path, ALL)
    assert {attempt.student for attempt in found.attempts} == graded
    assert {file.student for file in found.no_programs} == without
    assert all(file.lost and file.ours for file in found.no_programs)
    assert {*found.lost} == {
        f"{name} cannot be read: Permission denied" for name in closed
    }
    assert not any("exercise in common" in sentence for sentence in found.ignored)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada/exercise1.py", "ada/old/exercise1.py"),
        ("ada/new/exercise1.py", "ada/old/exercise1.py"),
        ("ada_4711_816_exercise1-2.py", "ada_4711_815_exercise1-1.py"),
    ],
)
def test_nobody_is_judged_by_an_older_program(
    tmp_path: Path, refused: set[Path], one: str, other: str
) -> None:
    """Than the one which counts, and cannot be read."""
    for name in (one, other, "bob_4712_817_exercise1.py", "bob/exercise1.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    refused.add(tmp_path / one)
    found = handed_in(tmp_path, ALL)
    assert {a.student for a in found.attempts} == {"4712", "bob"}
    (lost,) = found.no_programs
    assert (lost.file, lost.exercise) == (one, "exercise1")
    assert any(
        f"the one that counts cannot be read: {other}" in s for s in found.ignored
    )
    refused.clear()
    refused.add(tmp_path / other)
    found = handed_in(tmp_path, ALL)
    if "new" not in one:  # which of them is the newer one nobody knows then
        assert one in {attempt.file for attempt in found.attempts}
    assert found.lost == [f"{other} cannot be read: Permission denied"]


def test_nothing_may_be_read(tmp_path: Path, refused: set[Path]) -> None:
    """That is why there is no submission."""
    for name in ("ada", "bob"):
        (tmp_path / name).mkdir()
        refused.add(tmp_path / name)
    with pytest.raises(UsageError, match=r": ada cannot be read: .* \(and 1 more\)$"):
        handed_in(tmp_path, ALL)


def test_links_have_their_place_too(tmp_path: Path) -> None:
    """A student of a section who handed one in is still a name there."""
    for name in ("A/x", "A/y", "B/u", "B/v"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "exercise1.py").write_text(name)
    (tmp_path / "A" / "y" / "exercise1.py").unlink()
    (tmp_path / "A" / "y" / "exercise1.py").symlink_to("/etc/passwd")
    found = handed_in(tmp_path, ALL)
    assert {attempt.student for attempt in found.attempts} == {"x", "u", "v"}
    assert [(n.student, n.why) for n in found.no_programs] == [("y", "is a link")]


def damaged(path: Path, files: dict[str, bytes], *names: str) -> None:
    """Write a zip archive in which some files are not what their sum says."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    data = path.read_bytes()
    for name in names:
        data = data.replace(files[name], bytes(len(files[name])), 1)
    path.write_bytes(data)


def test_a_damaged_file_of_an_archive(tmp_path: Path) -> None:
    """It is told, with whose it is; and all others are graded."""
    files = {f"{name}/exercise1.py": f"# {name}".encode() for name in ("ada", "bob")}
    damaged(tmp_path / "all.zip", files, "ada/exercise1.py")
    found = handed_in(tmp_path / "all.zip", ALL)
    assert [attempt.student for attempt in found.attempts] == ["bob"]
    assert found.lost == ["ada/exercise1.py cannot be read: it is damaged"]
    assert [(file.student, file.exercise) for file in found.no_programs] == [
        ("ada", "exercise1")
    ]
    damaged(tmp_path / "all.zip", files, *files)
    with pytest.raises(UsageError, match=r"cannot be read: it is damaged, or no arch"):
        handed_in(tmp_path / "all.zip", ALL)


def test_a_damaged_file_of_a_section_s_archive(tmp_path: Path) -> None:
    """It is the student's, not the section's; and no failure of the machine."""
    for section in "AB":
        names = [f"{section.lower()}{number}" for number in range(2)]
        files = {f"{name}/exercise1.py": f"# {name}".encode() for name in names}
        damaged(
            tmp_path / f"{section}.zip", files, *["a0/exercise1.py"][: section < "B"]
        )
    found = handed_in(tmp_path, ALL)
    assert {attempt.student for attempt in found.attempts} == {"a1", "b0", "b1"}
    assert found.lost == []
    assert [(file.student, file.file, file.why) for file in found.no_programs] == [
        ("a0", "A/a0/exercise1.py", "cannot be read: it is damaged")
    ]


@pytest.mark.parametrize(
    "name",
    [
        "../../tmp/evil/evil_exercise2.py",
        "/tmp/evil/exercise2.py",
        "/eve_exercise2.py",
        "..\\tmp\\exercise2.py",
    ],
)
def test_what_leads_out_is_nobodys(tmp_path: Path, name: str) -> None:
    """It is told, and no folder on its way is a student; nor is that of a section."""
    moodle = "Ada Lovelace_4711_assignsubmission_file_/exercise2.py"
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in (moodle, name):
            archive.writestr(path, "right")
    found = handed_in(tmp_path / "all.zip", ALL)
    assert [*found.names()] == ["4711"]
    (told,) = found.ignored
    assert told == (
        f"not graded: 1 file with a path that leads out of what was handed in: {name}"
    )
    with zipfile.ZipFile(tmp_path / "bob.zip", "w") as archive:
        archive.writestr(name, "right")
    (tmp_path / "all.zip").unlink()
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "exercise1.py").write_text("right")
    found = handed_in(tmp_path, ALL)
    assert [file.student for file in found.no_programs] == ["bob"]  # it is in his


def test_results_of_earlier_calls_are_nobodys(tmp_path: Path) -> None:
    """Wherever they lie, and packed too; and a student cannot hide anything so."""
    wrote = ["class.json", "verdicts/4711/exercise1.json", "failed/a/exercise1.json"]
    names = ["ada/exercise1.py", "bob/exercise1.py", *(f"ada/{n}" for n in wrote)]
    names += [f"results1/{name}" for name in wrote]
    names += ["ended/class.json", *wrote]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in names:
            archive.writestr(name, name)
            (tmp_path / "all" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "all" / name).write_text(name)
    for place in ("all", "all.zip"):
        found = handed_in(tmp_path / place, ALL)
        assert found.names().keys() == {"ada", "bob"}
        assert found.ignored == []


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        (["groupA/ada/exercise1.py", "groupB/bob/exercise1.py"], "groupA, groupB"),
        (["A/ada/exercise1.py", "A/eve/exercise1.py", "B/bob/exercise1.py"], "A, B"),
        (["ada/work/exercise1.py", "bob/work/exercise1.py"], ""),
        (["ada/work/exercise1.py", "bob/exercise1.py"], ""),
        (["ada/ada_hw/exercise1.py", "bob/Bob 1/exercise1.py"], ""),
        (["ada/work/exercise1.py"], ""),
    ],
)
def test_folders_with_one_student_each_may_be_sections(
    tmp_path: Path, files: list[str], folders: str
) -> None:
    """Where nothing says that the folders in them are only students' own order."""
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    told = [s for s in handed_in(tmp_path, ALL).ignored if s.startswith("taken for")]
    expected = f"taken for one student's folder: {folders}; where it is a section's"
    assert [s.startswith(expected) for s in told] == [True] * bool(folders)


def test_who_is_in_folders_of_other_exercises_is_told(tmp_path: Path) -> None:
    """It is the same student, unless the course gave each section another exercise."""
    for name in LAYOUTS["a folder a week"][0]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (told,) = handed_in(tmp_path, ALL).ignored
    assert told == (
        "week 1, week 2 have no exercise in common, so who is in several of them is "
        "taken for one student: ada, bob"
    )


def test_files_of_any_name_that_may_be_a_section(tmp_path: Path) -> None:
    """Nothing says whose they are: the folder's, or each somebody's."""
    for name in ("groupA/ada.py", "groupA/bob.py", "groupB/dora.py", "groupB/eve.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    with pytest.raises(UsageError, match="taken for one student's folder: groupA, gro"):
        handed_in(tmp_path, ("exercise3",))
    attempts = handed_in(tmp_path / "groupA", ("exercise3",)).attempts
    assert {attempt.student for attempt in attempts} == {"ada", "bob"}


def test_who_handed_in_no_program_in_a_section(tmp_path: Path) -> None:
    """It is that student, not the section."""
    for name in (
        "groupA/lovelace_4711_815_exercise2.py",
        "groupA/jones_4712_816_exercise2.docx",
        "groupB/eve_4713_817_exercise2.pdf",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    found = handed_in(tmp_path, ALL)
    assert [n.student for n in found.no_programs] == ["4712", "4713"]


def test_metadata_of_a_student_are_not_read(tmp_path: Path) -> None:
    """They could say that it is somebody else's work."""
    for name in ("ada/submission_metadata.yml", "ada/submission_11/exercise1.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(_content(name))
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "exercise1.py").write_text("# right\n")
    found = handed_in(tmp_path, ALL)
    assert not found.names().keys() & {"4711", "mary@example.org"}
    assert any("ada/submission_metadata.yml" in told for told in found.ignored)


def test_nothing_is_graded_and_an_option_would_help(tmp_path: Path) -> None:
    """The message names it."""
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "solution.py").write_text("right")
    with pytest.raises(UsageError, match=r"ada/solution.py .* with --exercise NAME"):
        handed_in(tmp_path, ALL)


def test_what_gradescope_may_write(tmp_path: Path) -> None:
    """Objects of its own language, people without a number, and rubbish."""
    (tmp_path / "submission_1").mkdir()
    (tmp_path / "submission_1" / "exercise1.py").write_text("right")
    metadata = tmp_path / "submission_metadata.yml"
    for text, student in (
        ("submission_1:\n  :submitters:\n  - :name:\n", "submission_1"),
        ("submission_1: !ruby/object:X\n  :submitters:\n  - :sid: 7\n", "7"),
        ("- 3\n", "submission_1"),
    ):
        metadata.write_text(text)
        found = handed_in(tmp_path, ALL)
        assert [attempt.student for attempt in found.attempts] == [student]
        told = ["submission_metadata.yml does not say whose submission_1 is: each is "]
        assert [s[: len(told[0])] for s in found.ignored] == told * (student != "7")
    for text, where in (
        ("\na: [", "line 2 is no YAML; export it again"),
        (
            "submission_1:\n  :created_at: 2026-13-45 12:00:00\n",
            "a value is none; export",
        ),
    ):
        metadata.write_text(text)
        with pytest.raises(UsageError, match=f"is not Gradescope's: {where}"):
            handed_in(tmp_path, ALL)


def test_what_gradescope_does_not_know_is_told(tmp_path: Path) -> None:
    """Other folders than it names, and one that it leaves out, in one line."""
    for number in (11, 13, 14):
        (tmp_path / f"submission_{number}").mkdir()
        (tmp_path / f"submission_{number}" / "exercise1.py").write_text("right")
    (tmp_path / "submission_metadata.yml").write_text(METADATA)
    (told,) = handed_in(tmp_path, ALL).ignored
    assert " whose submission_13, submission_14 are: each " in told


_FOLDERS = st.sampled_from(
    [
        "ada",
        "bob",
        "groupA",
        "exercise1",
        "exercises",
        "exercise9",
        "submission_11",
        "Ada Lovelace_4711_assignsubmission_file_",
    ]
)
_FILES = st.sampled_from(
    [
        "exercise1.py",
        "Exercise_2.PY",
        "ada_exercise1.py",
        "bob_exercise1.py",
        "ada_4711_815_exercise2-1.py",
        "bob_4712_816_exercise2.py",
        "bob_4712_816_notes.py",
        "exercise9.py",
        "notes.py",
    ]
)


def _path(parts: tuple[list[str], str]) -> str:
    return "/".join([*parts[0], parts[1]])


@given(
    st.sets(st.tuples(st.lists(_FOLDERS, max_size=4), _FILES).map(_path), max_size=8),
    st.sampled_from([ALL, ("exercise1",)]),
)
def test_every_program_is_graded_or_told(
    files: set[str], exercises: tuple[str, ...]
) -> None:
    """However it lies; and never for an exercise that it is not named after."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder, "handed-in.zip")
        with zipfile.ZipFile(top, "w") as archive:
            for name in ("kim/exercise1.py", *files):
                archive.writestr(name, _content(name))
        found = handed_in(top, exercises)
    graded = {attempt.file for attempt in found.attempts}
    told = [s for s in found.ignored if s.startswith("not graded: ")]
    counts = [int(re.findall(r"\d+", sentence)[0]) for sentence in told]
    no_programs = {file.file for file in found.no_programs}
    assert len(graded | no_programs) + sum(counts) == len(files | {"kim/exercise1.py"})
    for attempt in found.attempts:
        named = re.search(r"exercise_?(\d)", Path(attempt.file).name, re.IGNORECASE)
        assert named is None or attempt.exercise == f"exercise{named[1]}"


@given(st.permutations(range(5)))
def test_the_newest_attempt_counts(order: list[int]) -> None:
    """By its number, then by its time, in whatever order they come."""
    base = Attempt("ada", "exercise1", "f", b"")
    day = [datetime(2026, 10, n, tzinfo=UTC) for n in range(1, 6)]
    attempts = [
        replace(base, when=day[4], source=b"0"),
        replace(base, number=1, when=day[0], source=b"1"),
        replace(base, number=2, when=day[1], source=b"2"),
        replace(base, number=2, when=day[2], source=b"3"),
        replace(base, student="bob", when=None, source=b"4"),
    ]
    counted = newest(attempts[n] for n in order)
    assert [(a.student, a.source) for a in counted] == [("ada", b"3"), ("bob", b"4")]


def test_nothing_to_grade(tmp_path: Path) -> None:
    """One sentence each: what is missing, and how it should lie."""
    with pytest.raises(UsageError, match="there is no submission in"):
        handed_in(tmp_path, ALL)
    with pytest.raises(UsageError, match="does not exist"):
        handed_in(tmp_path / "absent", ALL)
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "exercise1.docx").write_text("")
    with pytest.raises(UsageError, match=r"ada/exercise1\.docx is no \.py file$"):
        handed_in(tmp_path, ALL)
    (tmp_path / "ada" / "exercise1.zip").write_text("")
    with pytest.raises(UsageError, match=r"cannot be read: it is .*\(and 1 more\)$"):
        handed_in(tmp_path, ALL)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(UsageError, match="neither a folder nor an archive"):
        handed_in(tmp_path / "notes.txt", ALL)
