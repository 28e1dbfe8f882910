"""``grade trace`` and its pictures."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from grader.cli import main
from grader.commands.picturing import source_of

PROGRAM = """\
#!/usr/bin/env python3
import os
child = os.fork()
if child == 0:
    os.write(1, b"\\x1b[31m</text><script>")
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that is right, in an empty folder that one is in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    return file


def test_in_the_terminal(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Instead of the story."""
    assert main(["trace", "--picture", str(program)]) == 0
    shown = capsys.readouterr().out
    assert "zombie" in shown
    assert "status collected" in shown
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_as_files(program: Path) -> None:
    """Both at once; each whole."""
    assert main(["trace", "--svg", "a.svg", "--html", "a.html", str(program)]) == 0
    root = ElementTree.fromstring(Path("a.svg").read_text())
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "program.py"
    page = Path("a.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert 'data-line="3"' in page
    assert "child = os.fork()" in page


def test_a_page_shows_the_program_as_it_was(program: Path) -> None:
    """Before it ran; text that would act is shown and does not act."""
    program.write_text(
        "import os\nopen(__file__, 'w').close()\n"
        "os.write(1, b'x')  # </style><script> \x1b\n"
    )
    assert main(["trace", "--html", "a.html", str(program)]) == 0
    page = Path("a.html").read_text()
    assert "os.write(1, b&#39;x&#39;)  # &lt;/style&gt;&lt;script&gt; \\x1b" in page
    assert "<script" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize("option", ["--svg", "--html"])
def test_a_folder_that_is_not_there(
    program: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Is told before the program runs."""
    assert main(["trace", option, "nowhere/a", str(program)]) == 2
    told = capsys.readouterr()
    assert "the folder nowhere does not exist" in told.err
    assert not told.out


@pytest.mark.parametrize("kind", ["fifo", "binary", "other encoding"])
def test_what_is_no_text_has_no_lines(program: Path, kind: str) -> None:
    """And nobody waits for a FIFO's other end."""
    if kind == "fifo":
        program.unlink()
        os.mkfifo(program)
    else:
        program.write_bytes(b"\x7fELF\xff\x00" if kind == "binary" else b"# \xe9\n")
    assert source_of(str(program)) == []


def test_no_file_twice(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither for both pictures, nor over the program."""
    assert main(["trace", "--svg", "a", "--html", "a", str(program)]) == 2
    assert main(["trace", "--svg", "program.py", str(program)]) == 2
    assert "name another file" in capsys.readouterr().err
    assert program.read_text() == PROGRAM
    assert not Path("a").exists()
