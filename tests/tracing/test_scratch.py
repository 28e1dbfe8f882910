"""A program's own folder is gone after it, whatever it left there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from grader.tracing import scratch, shared
from grader.tracing.launch import Zygote
from grader.tracing.limits import Limits
from grader.tracing.program import run
from grader.tracing.scratch import guarded_folder

GRADER = """
import os, signal, sys
from grader.tracing.scratch import guarded_folder, scratch_folder
with guarded_folder() as outer:
    (outer / "file").touch()
    (outer / "closed").mkdir(0)
    print(outer, flush=True)
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    assert outer.exists()
assert not outer.exists()
"""


@pytest.mark.parametrize(("how", "status"), [("killed", -9), ("well", 0)])
def test_a_guarded_folder(tmp_path: Path, how: str, status: int) -> None:
    """It is gone whatever its maker ends by, and so is its guard."""
    place = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", GRADER, how],
        stdout=subprocess.PIPE,
        text=True,
        env=place,
        cwd=Path(__file__).parents[2],
    ) as maker:
        assert maker.stdout is not None
        folder = Path(maker.stdout.readline().strip())
        assert folder.parent == tmp_path
    assert maker.returncode == status
    give_up = time.monotonic() + 30
    while list(tmp_path.iterdir()) and time.monotonic() < give_up:
        os.sched_yield()
    assert list(tmp_path.iterdir()) == []


def test_shared_memory_that_is_made_while_its_notes_are_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No note is lost: a tracer that dies a moment later removes the file itself."""
    made = Path("/dev/shm", f"forklab-scratch-{os.getpid()}")
    read_notes = shared.remove_noted

    def and_then_make_one(folder: Path) -> None:
        read_notes(folder)
        made.touch()
        shared.Shared().note(str(made))

    monkeypatch.setattr(scratch, "remove_noted", and_then_make_one)
    monkeypatch.setattr(shared, "_notes", None)
    try:
        with guarded_folder() as folder:
            shared.note_in(folder)
        assert not made.exists()
    finally:
        made.unlink(missing_ok=True)


def test_a_note_by_who_was_on_the_way_as_the_folder_was_renamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It comes after the others were read, and is read all the same."""
    made = Path("/dev/shm", f"forklab-scratch-{os.getpid()}")
    monkeypatch.setattr(shared, "_notes", None)
    look = os.listdir

    def and_then_note_one(folder: Path) -> list[str]:
        there = look(folder)
        if Path(folder).name.endswith("-retired") and not made.exists():
            made.touch()
            shared.note_in(Path(folder))
            shared.Shared().note(str(made))
        return there

    try:
        with guarded_folder() as folder:
            (folder / "file").touch()
            (folder / "folder").mkdir()
            monkeypatch.setattr(os, "listdir", and_then_note_one)
        assert not made.exists()
        assert not folder.with_name(f"{folder.name}-retired").exists()
    finally:
        made.unlink(missing_ok=True)


RUBBISH = {
    "no numbers": lambda folder: (folder / "shared-a-b").touch(),
    "one number": lambda folder: (folder / "shared-1").touch(),
    "more than a note": lambda folder: (folder / "shared-1-2").mkdir(),
    "a folder by name": lambda folder: (folder / "named-1-0").mkdir(),
    "a way out": lambda folder: (folder / "named-1-1").symlink_to("../../.."),
    "nothing": lambda folder: (folder / "named-1-2").symlink_to("/dev/shm/absent"),
}


@pytest.mark.parametrize("what", RUBBISH)
def test_what_is_no_note(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """A submission may have written there; the real notes are read all the same."""
    made = Path("/dev/shm", f"forklab-scratch-{os.getpid()}")
    monkeypatch.setattr(shared, "_notes", None)
    try:
        with guarded_folder() as folder:
            RUBBISH[what](folder)
            shared.note_in(folder)
            made.touch()
            shared.Shared().note(str(made))
        assert not made.exists()
        assert not [*folder.parent.glob(f"{folder.name}*")]
    finally:
        made.unlink(missing_ok=True)


def test_shared_memory_that_a_program_has_just_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is noted before it is there: its tracer may be killed at that moment."""
    made = Path("/dev/shm", f"forklab-scratch-{os.getpid()}")
    monkeypatch.setattr(shared, "_notes", None)
    try:
        with guarded_folder() as folder:
            shared.note_in(folder)
            assert shared.Shared().foresee(str(made))
            made.touch()
        assert not made.exists()
        assert not shared.Shared().foresee(str(made))  # nobody would remove it
        made.touch()
        with guarded_folder() as folder:
            shared.note_in(folder)
            assert shared.Shared().foresee(str(made))
        assert made.exists()  # it was somebody's before
    finally:
        made.unlink(missing_ok=True)


def test_a_folder_in_a_guarded_one_needs_no_guard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It goes with the other."""
    with guarded_folder() as outer:
        monkeypatch.setattr(tempfile, "tempdir", str(outer))
        monkeypatch.setattr(scratch, "fork", lambda: pytest.fail("a second guard"))
        with guarded_folder() as inner:
            assert inner.parent == outer
        assert not inner.exists()
    assert not outer.exists()


LEFT = {
    "files": "open('a', 'w').write('x' * 100)",
    "a file that cannot be written": "open('a', 'w'); os.chmod('a', 0)",
    "closed folders in closed folders": (
        "os.makedirs('a/b/c/d')\n"
        "for name in ('a/b/c/d', 'a/b/c', 'a/b', 'a'): os.chmod(name, 0)"
    ),
    "the folder itself closed": "os.mkdir('a'); os.chmod('.', 0)",
    "a deep tree": "for _ in range(2000): os.mkdir('d'); os.chdir('d')",
    "a deep tree that is closed": (
        "open('a', 'w')\n"
        "for _ in range(1200): os.mkdir('d', 0o700); os.chdir('d')\n"
        "for _ in range(1200): os.chdir('..'); os.chmod('d', 0)"
    ),
    "long names": "for _ in range(30): os.mkdir('d' * 250); os.chdir('d' * 250)",
    "links to elsewhere": "os.symlink('/', 'root'); os.symlink('..', 'up')",
    "a FIFO and a socket": (
        "os.mkfifo('fifo'); socket.socket(socket.AF_UNIX).bind('socket')"
    ),
    "names that are options": "open('-rf', 'w'); os.mkdir('--help')",
    "a run that was killed": "os.makedirs('a/b'); os.kill(os.getpid(), 9)",
    "a run that never ends": "open('a', 'w')\nwhile True: os.utime('a')",
}


@pytest.mark.parametrize("what", LEFT)
def test_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zygote: Zygote, what: str
) -> None:
    """And nothing is gone that lay elsewhere."""
    program = tmp_path / "program.py"
    program.write_text(f"import os, socket\n{LEFT[what]}\n")
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    run([str(program)], zygote=zygote, limits=Limits(busy_seconds=0.1, cpu_seconds=0.2))
    assert list(place.iterdir()) == []
    assert program.exists()
