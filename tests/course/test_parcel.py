"""What of an exercise is carried elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.catalog import Exercise, find, open_course, read_exercise
from grader.course.parcel import digest_of, packed, unpack
from grader.errors import CatalogError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def exercise(tmp_path: Path) -> Exercise:
    """One of a course with hidden checks, a diagnosis and answers."""
    folder = tmp_path / "course"
    shutil.copytree(ROOT / "exercises", folder / "exercises")
    shutil.copytree(ROOT / "solutions" / "exercise1", folder / "solutions/exercise1")
    hidden = (folder / "exercises/exercise1/test_exercise1.py").read_text()
    hidden = hidden.replace("def test_", "def test_hidden_")
    (folder / "hidden/exercise1").mkdir(parents=True)
    (folder / "hidden/exercise1/test_exercise1.py").write_text(hidden)
    (folder / "diagnoses").mkdir()
    (folder / "diagnoses/own.md").write_text("# own: Own")
    return open_course(folder).read("exercise1")


def test_what_arrives_is_the_same_exercise(exercise: Exercise, tmp_path: Path) -> None:
    """But for where it lies; and no answer has come with it."""
    parcel = packed([exercise])
    unpack(parcel, tmp_path / "there")
    arrived = open_course(tmp_path / "there").read("exercise1")
    assert arrived.checks == exercise.checks
    assert any(check.hidden for check in arrived.checks)
    assert arrived.limits == exercise.limits
    assert packed([arrived]) == parcel
    assert {path.split("/")[0] for path in parcel} == {
        "exercises",
        "hidden",
        "diagnoses",
    }


def test_every_file_counts(exercise: Exercise) -> None:
    """Whichever of them changes, it is another exercise."""
    parcel = packed([exercise])
    digests = {digest_of({**parcel, path: b"another"}) for path in parcel}
    assert len(digests | {digest_of(parcel)}) == len(parcel) + 1
    assert digest_of(packed([find("exercise2")])) not in digests


@given(st.dictionaries(st.text(), st.binary()), st.dictionaries(st.text(), st.binary()))
def test_another_digest_for_other_files(
    one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    """And the same one for the same files, in whatever order."""
    assert (digest_of(one) == digest_of(other)) is (one == other)
    assert digest_of(dict(reversed(one.items()))) == digest_of(one)


def test_a_file_that_cannot_be_read(exercise: Exercise) -> None:
    """It is named."""
    gone = exercise.handout
    read_exercise(exercise.folder)
    gone.unlink()
    with pytest.raises(CatalogError, match=r"README.md cannot be read: No such file"):
        packed([exercise])
