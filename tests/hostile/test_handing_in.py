"""What is handed in where a program should be: links, pipes, devices, odd archives."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.attacks import MARK
from tests.hostile.course import ROOT, SECRET

REFERENCE = ROOT / "solutions" / "exercise1" / "exercise1.py"


def _grade(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "grader", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


FORMS: dict[str, Callable[[Path], object]] = {
    "a link to a secret": lambda path: path.symlink_to(path.parents[1] / "secret"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to nothing": lambda path: path.symlink_to("/nonexistent"),
    "a FIFO": lambda path: os.mkfifo(path),
    "a socket": _socket,
    "a folder": lambda path: path.mkdir(),
    "a file of a tebibyte": _sparse,
    "zero bytes": lambda path: path.write_bytes(b"\0" * 100),
    "brackets": lambda path: path.write_text("(" * 100_000),
    "minus signs": lambda path: path.write_text("x = " + "-" * 100_000 + "1"),
    "a large number": lambda path: path.write_text("x = 10 ** 10 ** 8\n" * 3),
    "an encoding of its own": lambda path: path.write_text("# coding: idna\nx = 1\n"),
    "a shell's script": lambda path: path.write_text("#!/bin/sh\nexit 0\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """It has no points, whatever it is, and the grader is not held up by it."""
    (tmp_path / "secret").write_text(f"{SECRET} (\n")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    FORMS[form](work / "exercise1.py")
    done = _grade(work, "exercise1", "exercise1.py", "--check", "forks-one-child")
    assert done.returncode in (1, 2), done.stderr
    if done.returncode == 1:
        assert "Score: 0 of 2" in done.stdout


def test_links_in_a_class(tmp_path: Path) -> None:
    """Nobody hands in what whoever grades can read, and a student cannot."""
    (tmp_path / "secret").write_text(f"{SECRET} (\n")
    ada = tmp_path / "class" / "ada"
    ada.mkdir(parents=True)
    (ada / "exercise1.py").symlink_to(tmp_path / "secret")
    (tmp_path / "class" / "bob").symlink_to(tmp_path)
    done = _grade(
        tmp_path, "course", "class", "--exercise", "exercise1", "--out", "results"
    )
    assert done.returncode in (0, 2), done.stderr
    told = [p.read_text() for p in (tmp_path / "results").rglob("*") if p.is_file()]
    assert SECRET not in "".join([done.stdout, done.stderr, *told])


def _archive(folder: Path, kind: str) -> Path:
    """A hostile archive, with one right answer in it."""
    source = REFERENCE.read_bytes()
    names = (
        f"../{MARK}above.py",
        f"/tmp/{MARK}rooted.py",
        f"ada/../../{MARK}twice.py",
        f"..\\{MARK}other.py",
        "ada/exercise1.py",
    )
    if kind == "zip":
        with zipfile.ZipFile(folder / "class.zip", "w") as made:
            for name in names:
                made.writestr(name, source)
        return folder / "class.zip"
    with tarfile.open(folder / "class.tar.gz", "w:gz") as packed:
        for target in ("/tmp", "..", "/"):
            link = tarfile.TarInfo(f"link{len(target)}")
            link.type, link.linkname = tarfile.SYMTYPE, target
            packed.addfile(link)
        for kind_of_file in (tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.LNKTYPE):
            odd = tarfile.TarInfo(f"odd{kind_of_file.decode()}/exercise1.py")
            odd.type, odd.linkname, odd.devminor = kind_of_file, "/etc/passwd", 5
            packed.addfile(odd)
        for name in (*names, f"link4/{MARK}through.py"):
            entry = tarfile.TarInfo(name)
            entry.size = len(source)
            packed.addfile(entry, io.BytesIO(source))
    return folder / "class.tar.gz"


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives(tmp_path: Path, kind: str) -> None:
    """Nothing is written where it should not be, and nobody else's file is taken."""
    work = tmp_path / "work"
    work.mkdir()
    archive = _archive(work, kind)
    done = _grade(
        work, "course", str(archive), "--exercise", "exercise1", "--out", "results"
    )
    assert done.returncode in (0, 2), done.stderr
    for folder in (tmp_path, Path("/tmp"), Path("/"), work, Path.cwd()):
        assert not list(folder.glob(f"*{MARK}*"))
    written = [p.read_text() for p in work.rglob("*.json") if p.is_file()]
    assert not any("root:x:0" in text for text in written)
