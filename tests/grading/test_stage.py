"""A run's folder is as if it were new, though it was there before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader import stage
from grader.stage import Stage

CONTENT = b"print()\n"


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage whose folder is old enough, and older than all that is changed now."""
    monkeypatch.setattr(stage, "_OLD_ENOUGH", 0.0)
    made = Stage(tmp_path, "program.py", CONTENT)
    with made.set_up() as file:
        before = os.stat(file.parent.parent).st_ctime_ns
    # The kernel's clock moves on in its own time, inode(7).
    with tempfile.NamedTemporaryFile(dir=tmp_path) as watch:
        while os.stat(watch.fileno()).st_ctime_ns <= before:
            os.utime(watch.fileno())
    return made


def test_a_folder_that_nobody_touched(ready: Stage) -> None:
    """Run after run has the same."""
    with ready.set_up() as first:
        pass
    with ready.set_up() as second:
        assert second == first
        assert not ready.is_harmed(second)
    with ready.set_up() as third:
        assert third == first


def _puts_back(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(b"")
    file.write_bytes(content)


def _renames(file: Path) -> None:
    os.rename(file, file.with_name("other"))
    os.rename(file.with_name("other"), file)


def _links(file: Path) -> None:
    os.link(file, file.with_name("other"))
    os.unlink(file.with_name("other"))


def _makes(file: Path) -> None:
    os.mkdir(file.parent / "folder")
    os.rmdir(file.parent / "folder")


def _dates_back(file: Path) -> None:
    status = os.stat(file)
    os.utime(file, ns=(0, 0))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def _removes_folder(file: Path) -> None:
    file.unlink()
    file.parent.rmdir()


def _makes_fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _closes(what: Callable[[Path], Path]) -> Callable[[Path], None]:
    def close(file: Path) -> None:
        mode = what(file).stat().st_mode
        what(file).chmod(0o500)
        what(file).chmod(mode)

    return close


TOUCHES: dict[str, Callable[[Path], object]] = {
    "its content put back": _puts_back,
    "renamed and back": _renames,
    "linked to": _links,
    "a folder beside it": _makes,
    "dated back": _dates_back,
    "closed and opened": _closes(lambda file: file),
    "its folder closed and opened": _closes(lambda file: file.parent),
    "removed": os.unlink,
    "a file beside it": lambda file: file.with_name("other").touch(),
    "its folder removed": _removes_folder,
}


@pytest.mark.parametrize("touch", TOUCHES)
def test_a_folder_that_was_touched(ready: Stage, touch: str) -> None:
    """The next run has another one, with the file and nothing else, also thereafter."""
    with ready.set_up() as first:
        TOUCHES[touch](first)
    for _ in range(2):
        with ready.set_up() as file:
            assert file.parent != first.parent
            assert [*file.parent.iterdir()] == [file]
            assert file.read_bytes() == CONTENT


def test_a_folder_with_a_hidden_mark(ready: Stage) -> None:
    """Where the file system keeps such marks, xattr(7)."""
    with ready.set_up() as first:
        try:
            os.setxattr(first.parent, "user.mark", b"1")
        except OSError:
            pytest.skip("this file system has no extended attributes")
    with ready.set_up() as second:
        assert second.parent != first.parent


def test_a_folder_that_is_too_young(tmp_path: Path) -> None:
    """What was changed at once could have been changed before it was looked at."""
    made = Stage(tmp_path, "program.py", CONTENT)
    folders = set()
    for _ in range(3):
        made._made += 1000.0  # so it stays
        with made.set_up() as file:
            folders.add(file.parent)
            made._made += 1000.0
    assert len(folders) == 3


def test_what_is_left_of_it(ready: Stage, tmp_path: Path) -> None:
    """No more than one folder, which goes with the one that it is in."""
    for _ in range(3):
        with ready.set_up() as file:
            file.unlink()
    assert len([*tmp_path.iterdir()]) == 1


@pytest.mark.parametrize(
    ("harm", "harmed"),
    [
        (lambda file: None, False),
        (lambda file: file.write_bytes(CONTENT + b"#"), True),
        (lambda file: file.write_bytes(b""), True),
        (os.unlink, True),
        (_makes_fifo, True),
    ],
)
def test_whether_the_file_is_harmed(
    ready: Stage, harm: Callable[[Path], object], harmed: bool
) -> None:
    """Whatever became of it, nobody waits for it."""
    with ready.set_up() as file:
        harm(file)
        assert ready.is_harmed(file) is harmed
