"""A program's own folder is gone after it, whatever it left there."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from grader.tracing.launch import Zygote
from grader.tracing.limits import Limits
from grader.tracing.program import run

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
