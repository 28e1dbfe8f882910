"""Archives of strangers: only what may be a program comes out of them."""

from __future__ import annotations

import errno
import io
import os
import tarfile
import zipfile
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.course import archives
from grader.course.archives import LONGEST_FILE, Unread, placed, read
from grader.errors import UsageError


def _zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def _tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def _member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mtime = kind, link, 1_700_000_000
    return info


NAMES = {
    "ada/exercise1.py": "ada/exercise1.py",
    "ada/exercise1.PY": "ada/exercise1.PY",
    "./ada//exercise1.py": "ada/exercise1.py",
    "ada\\exercise1.py": "ada/exercise1.py",
}
NAMES_OF_NONE = {
    "/etc/exercise1.py": "leads out of what was handed in",
    "../exercise1.py": "leads out of what was handed in",
    "ada/../../exercise1.py": "leads out of what was handed in",
    "ada/exercise1.docx": "is no .py file",
    "ada/exercise1.py.txt": "is no .py file",
    "a\0b.py": "has a name that no program has",
    "d/" * 30 + "deep.py": "has a name that no program has",
    "x" * 2000 + ".py": "has a name that no program has",
}
HIDDEN = ["ada/.git/hooks.py", "__MACOSX/ada/exercise1.py", "__pycache__/a.pyc", ""]


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    """They stay below the top, and are those of programs."""
    assert placed(name) == PurePosixPath(NAMES[name])


@pytest.mark.parametrize("name", NAMES_OF_NONE)
def test_names_of_no_program(name: str) -> None:
    """It is said what each is."""
    unread = placed(name)
    assert isinstance(unread, Unread)
    assert unread.why == NAMES_OF_NONE[name]
    assert len(unread.name) <= 1000


@pytest.mark.parametrize("name", HIDDEN)
def test_names_of_nothing_that_was_written(name: str) -> None:
    """What programs leave there is nobody's."""
    assert placed(name) is None


@given(st.text())
def test_no_name_leads_out(name: str) -> None:
    """Whatever it is."""
    path = placed(name + ".py")
    if isinstance(path, PurePosixPath):
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert os.path.normpath(str(path)) == str(path)


def test_only_regular_files_of_a_tar(tmp_path: Path) -> None:
    """Links of both kinds, devices and FIFOs are nobody's program."""
    path = _tar(
        tmp_path / "all.tar.gz",
        (_member("ada/exercise1.py"), b"right"),
        (_member("eve/exercise1.py", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (_member("eve/exercise2.py", tarfile.LNKTYPE, "ada/exercise1.py"), b""),
        (_member("eve/exercise3.py", tarfile.FIFOTYPE), b""),
        (_member("eve/exercise4.py", tarfile.CHRTYPE), b""),
    )
    found = read(path)
    (entry,) = found.entries
    assert (str(entry.path), entry.data) == ("ada/exercise1.py", b"right")
    assert entry.changed is not None
    assert entry.changed.timestamp() == 1_700_000_000
    assert [str(unread) for unread in found.unread] == [
        "eve/exercise1.py is a link",
        "eve/exercise2.py is a link",
        "eve/exercise3.py is no regular file",
        "eve/exercise4.py is no regular file",
    ]


def test_links_of_a_zip(tmp_path: Path) -> None:
    """A zip file says in its Unix mode what is a link."""
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("eve/exercise1.py")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("ada/exercise1.py", "right")
    found = read(path)
    assert [str(entry.path) for entry in found.entries] == ["ada/exercise1.py"]
    assert [str(unread) for unread in found.unread] == ["eve/exercise1.py is a link"]


def test_a_bomb_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each file little more is read than a submission may have."""
    path = _zip(tmp_path / "bomb.zip", {"eve/exercise1.py": bytes(LONGEST_FILE * 20)})
    (entry,) = read(path).entries
    assert len(entry.data) == LONGEST_FILE
    monkeypatch.setattr(archives, "_MOST_FILES", 2)
    many = _zip(tmp_path / "many.zip", {f"{n}/exercise1.py": b"" for n in range(3)})
    with pytest.raises(UsageError, match="in parts"):
        read(many)


def test_an_archive_of_one_student_that_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, and the others' are read."""
    monkeypatch.setattr(archives, "_MOST_OF_ONE", 1 << 20)
    _tar(tmp_path / "bob.tar.gz", (_member("core"), bytes(2 << 20)))
    _tar(tmp_path / "ada.tar.gz", (_member("exercise1.py"), b"right"))
    found = read(tmp_path)
    assert [str(entry.path) for entry in found.entries] == ["ada/exercise1.py"]
    assert [str(unread) for unread in found.unread] == [
        "bob.tar.gz holds more than 1 MB"
    ]


def test_an_archive_in_a_section_s_takes_no_other_s_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much it holds; and all of them together hold so much."""
    monkeypatch.setattr(archives, "_MOST_OF_INNER", 1 << 20)
    much = _tar(tmp_path / "much.tar.gz", (_member("core"), bytes(2 << 20)))
    some = _tar(tmp_path / "some.tar.gz", (_member("exercise1.py"), b"right"))
    contents = [(_member("ada.tar.gz"), much.read_bytes())]
    contents += [(_member(f"{n}.tar.gz"), some.read_bytes()) for n in ("bob", "eve")]
    (tmp_path / "in").mkdir()
    _tar(tmp_path / "in" / "groupA.tar", *contents)
    found = read(tmp_path / "in")
    assert [str(e.path) for e in found.entries] == [
        "groupA/bob/exercise1.py",
        "groupA/eve/exercise1.py",
    ]
    assert [*map(str, found.unread)] == ["groupA/ada.tar.gz holds more than 1 MB"]
    monkeypatch.setattr(archives, "_MOST_OF_ALL_INNER", 1 << 20)
    found = read(tmp_path / "in")
    assert found.entries == []
    assert [unread.why for unread in found.unread] == [
        "holds more than 1 MB",
        *["is among others that hold too much; unpack what they lie in"] * 2,
    ]


@pytest.mark.parametrize("data", [b"", b"PK\3\4 no", b"\x1f\x8b\x08 no", b"text"])
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    """One sentence that names it."""
    path = tmp_path / "all.zip"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"all\.zip cannot be read: it is [^\n]+$"):
        read(path)


def test_an_encrypted_archive(tmp_path: Path) -> None:
    """It is said so, not how the library says it."""
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("exercise1.py", "")
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag in the member's own head, and in the directory's
    data[data.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"read: it is encrypted; export it again$"):
        read(path)


def test_archives_that_were_cut_off(tmp_path: Path) -> None:
    """The same, wherever the cut is."""
    members = [(_member(f"{n}/exercise1.py"), os.urandom(500)) for n in range(3)]
    whole = _tar(tmp_path / "whole.tar.gz", *members).read_bytes()
    cut = tmp_path / "cut.tar.gz"
    for size in range(20, len(whole) - 20, 97):
        cut.write_bytes(whole[:size])
        with pytest.raises(UsageError, match=r"cut\.tar\.gz cannot be"):
            read(cut)


def test_links_and_hidden_files_of_a_folder(tmp_path: Path) -> None:
    """Neither is followed or looked at; a link is told."""
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "exercise1.py").write_text("right")
    (tmp_path / "ada" / "exercise2.py").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "ada" / "exercise3.py")
    (tmp_path / "bob").symlink_to(tmp_path / "ada")
    (tmp_path / ".old").mkdir()
    (tmp_path / ".old" / "exercise1.py").write_text("hidden")
    found = read(tmp_path)
    assert [str(entry.path) for entry in found.entries] == ["ada/exercise1.py"]
    assert [str(unread) for unread in found.unread] == [
        "bob is a link",
        "ada/exercise2.py is a link",
        "ada/exercise3.py is no regular file",
    ]


@pytest.mark.parametrize("kept", ["folder", "file"])
def test_a_clone_has_no_times(tmp_path: Path, kept: str) -> None:
    """Git gives files the time of the clone; a worktree keeps a file named so."""
    for name in ("ada", "bob"):
        (tmp_path / name / "work").mkdir(parents=True)
        (tmp_path / name / "work" / "exercise1.py").write_text("right")
    git = tmp_path / "ada" / ".git"
    git.mkdir() if kept == "folder" else git.write_text("gitdir: elsewhere")
    changed = {entry.path.parts[0]: entry.changed for entry in read(tmp_path).entries}
    assert changed["ada"] is None
    assert changed["bob"] is not None


def test_what_cannot_be_read_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file or a folder is told; the rest is read."""
    for name in ("ada", "bob", "eve"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "exercise1.py").write_text("right")
    scandir, locked = os.scandir, str(tmp_path / "eve")

    def refusing(path: str) -> object:
        if str(path) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", locked)
        return scandir(path)

    def opened(path: Path, mode: Literal["rb"]) -> BinaryIO:
        if path == tmp_path / "bob" / "exercise1.py":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open(path, mode)

    monkeypatch.setattr(os, "scandir", refusing)
    monkeypatch.setattr(archives, "open", opened, raising=False)
    found = read(tmp_path)
    assert [str(entry.path) for entry in found.entries] == ["ada/exercise1.py"]
    assert [str(unread) for unread in found.unread] == [
        "bob/exercise1.py cannot be read: Permission denied",
        "eve cannot be read: Permission denied",
    ]


def test_times_that_are_none(tmp_path: Path) -> None:
    """A file's time may be anything; a zip file's is this machine's."""
    for mtime in (10**14, -(10**14), 0):
        info = _member("ada/exercise1.py")
        info.mtime = mtime
        (entry,) = read(_tar(tmp_path / "all.tar.gz", (info, b"right"))).entries
        assert (entry.changed is None) is (mtime != 0)
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info_of_zip = zipfile.ZipInfo("ada/exercise1.py", (2026, 10, 1, 23, 30, 0))
        archive.writestr(info_of_zip, "right")
    (entry,) = read(path).entries
    assert entry.changed == datetime(2026, 10, 1, 23, 30).astimezone()


def test_what_is_skipped_is_bounded_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To find the next file of a tar, the one before is unpacked."""
    monkeypatch.setattr(archives, "_MOST_BYTES", 1 << 20)
    bomb = _tar(tmp_path / "bomb.tar.gz", (_member("x.bin"), bytes(2 << 20)))
    with pytest.raises(UsageError, match="in parts"):
        read(bomb)
