"""A new exercise is in order from the first moment, and takes nobody's place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.authoring import new
from grader.authoring.new import make_exercise
from grader.catalog import Course
from grader.cli import main
from grader.errors import GraderError


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_made_is_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nothing, and beside another one; in this folder where none is named."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "exercise9", "--course", "my course"]) == 0
    printed = capsys.readouterr().out
    assert "exercises/exercise9/test_exercise9.py" in printed
    assert "`grade check-course 'my course'`" in printed
    monkeypatch.chdir("my course")
    assert main(["new", "exercise10"]) == 0
    assert main(["check-course", "--times", "2"]) == 0
    assert "2 exercises" in capsys.readouterr().out
    for name, text in _files(Path()).items():
        assert "exerciseN" not in name + text
        assert "TODO" not in text
        assert "pycache" not in name


def test_it_reads_as_if_somebody_wrote_it(tmp_path: Path) -> None:
    """Two of them differ by their numbers alone."""
    make_exercise("exercise1", tmp_path)
    one = _files(tmp_path)
    make_exercise("exercise2", tmp_path)
    both = _files(tmp_path)
    for name, text in one.items():
        assert both[name] == text
        other = both[name.replace("exercise1", "exercise2")]
        assert other == text.replace("exercise1", "exercise2")


@pytest.mark.parametrize("part", ["exercises", "solutions", "hidden"])
def test_nothing_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    """Where a part of it is there already, the rest is not made either."""
    there = tmp_path / part / "exercise1" / "mine.txt"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    assert main(["new", "exercise1", "--course", str(tmp_path)]) == 2
    assert "is there already; choose another number" in capsys.readouterr().err
    assert _files(tmp_path) == {f"{part}/exercise1/mine.txt": "mine"}


@pytest.mark.parametrize("name", ["pipes", "exercise", "exercise01", "exercise1x", ""])
def test_names_that_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """One sentence says how exercises are called."""
    assert main(["new", name, "--course", str(tmp_path / "course")]) == 2
    assert "call it exercise and a number" in capsys.readouterr().err
    assert not (tmp_path / "course").exists()


def test_folders_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in the way, or a file system that takes nothing."""
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", Path("/proc/forklab")):
        assert main(["new", "exercise1", "--course", str(folder)]) == 2
        error = capsys.readouterr().err
        assert "name another folder" in error
        assert error.count("\n") == 1
    assert _files(tmp_path) == {"file": "mine"}


def test_a_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither half an exercise nor the folders that were made for it."""
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if "solutions" in str(target):
            raise OSError(28, os.strerror(28), str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(GraderError, match="No space left"):
        make_exercise("exercise1", tmp_path / "course")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    make_exercise("exercise1", tmp_path / "course")
    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(GraderError):
        make_exercise("exercise2", tmp_path / "course")
    assert [p.name for p in Course(tmp_path / "course").exercises.iterdir()] == [
        "exercise1"
    ]


def test_the_template_is_part_of_what_is_installed() -> None:
    """It lies inside the package."""
    folder = Path(new.__file__).parent / "template"
    assert (folder / "exercise" / "test_exerciseN.py").is_file()
