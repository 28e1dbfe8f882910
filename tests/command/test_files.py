"""Files are written whole or not at all, and nothing of a killed writer stays."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from grader import files
from grader.authoring.new import make_exercise
from grader.catalog import find
from grader.cli import main
from grader.errors import GraderError, UsageError
from grader.files import (
    check_writable,
    remove,
    remove_unfinished,
    whole_folder,
    write_new,
    write_whole,
)
from grader.starting import hand_out
from tests.command.test_manners import shell

OLD, NEW = "old", "new" * 100


@pytest.fixture(params=["unnamed", "named"])
def _file_system(request: pytest.FixtureRequest, monkeypatch: Any) -> None:
    """One that has files without a name, and one that has none."""
    if request.param == "named":
        monkeypatch.setattr(files, "_open_unnamed", lambda folder: None)


anywhere = pytest.mark.usefixtures("_file_system")


def _in_a_process(do: Callable[[], object]) -> int:
    """How a process ends that does this: 3 where the grader fails."""
    writer = os.fork()
    if writer == 0:
        try:
            do()
        except GraderError:
            os._exit(3)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1])


def _kill_at_each_line(do: Callable[[], object]) -> Iterator[None]:
    """Do it again and again, killed at the next line of `grader.files` each time."""
    for number in range(1, 1000):

        def kill(frame: FrameType, event: str, _: object) -> Any:
            nonlocal number
            if frame.f_code.co_filename != files.__file__:
                return None
            if event == "line":
                number -= 1
                if number == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return kill

        def traced(kill: Any = kill) -> None:
            sys.settrace(kill)
            do()

        status = _in_a_process(traced)
        yield
        if status == 0:
            return
        assert status == -signal.SIGKILL
    raise AssertionError("it has no end")


def test_text_that_cannot_be_written(tmp_path: Path) -> None:
    """The old one stays; what comes after it has the same permissions."""
    path = tmp_path / "verdict.json"
    write_whole(path, OLD)
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "new \ud800")
    assert path.read_text() == OLD
    assert list(tmp_path.iterdir()) == [path]
    path.chmod(0o640)
    write_whole(path, NEW)
    assert path.read_text() == NEW
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_new_file_can_be_read(tmp_path: Path) -> None:
    """Whoever wrote it may do so, also where nobody might read the old one."""
    path = tmp_path / "verdict.json"
    write_whole(path, OLD)
    usual = path.stat().st_mode
    for refusing in (0o000, 0o200, 0o044):
        path.chmod(refusing)
        write_whole(path, NEW)
        assert path.stat().st_mode == usual


@anywhere
def test_who_may_read_a_new_file(tmp_path: Path) -> None:
    """As umask(2) says, whoever writes it."""
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "one", NEW)
        write_new(tmp_path / "two", b"")
    finally:
        os.umask(before)
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o640}


@anywhere
def test_a_writer_that_is_killed(tmp_path: Path) -> None:
    """The file is as it was, or all new; the next one removes what is left."""
    path = tmp_path / "verdict.json"
    seen = set()
    write_whole(path, OLD)
    for _ in _kill_at_each_line(lambda: write_whole(path, NEW)):
        seen.add(path.read_text())
        assert len(list(tmp_path.iterdir())) <= 2
        write_whole(path, OLD)
        assert list(tmp_path.iterdir()) == [path]
    assert seen == {OLD, NEW}


def test_a_killed_writer_of_a_new_file_leaves_nothing(tmp_path: Path) -> None:
    """Not even for a moment is there anything but the file, where that is possible."""
    path = tmp_path / "verdict.json"
    if (unnamed := files._open_unnamed(tmp_path)) is None:
        pytest.skip("this file system has no files without a name")
    os.close(unnamed)
    for _ in _kill_at_each_line(lambda: write_whole(path, NEW)):
        assert list(tmp_path.iterdir()) in ([], [path])
        if path.exists():
            assert path.read_text() == NEW
            path.unlink()


@anywhere
@pytest.mark.parametrize("there", [True, False])
def test_a_disk_that_is_full(tmp_path: Path, there: bool) -> None:
    """The old file stays, and nothing else is there."""
    path = tmp_path / "verdict.json"
    if there:
        write_whole(path, OLD)

    def write() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        write_whole(path, NEW)

    assert _in_a_process(write) == 3
    assert list(tmp_path.iterdir()) == [path] * there
    assert not there or path.read_text() == OLD


@anywhere
def test_two_writers_of_one_file(tmp_path: Path) -> None:
    """Neither takes away what the other one is writing."""
    path = tmp_path / "verdict.json"
    texts = ["a" * 10_000, "b" * 10_000]
    seen = set()

    def write(text: str) -> None:
        for _ in range(100):
            write_whole(path, text)

    write_whole(path, texts[0])
    writers = [threading.Thread(target=write, args=[text]) for text in texts]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen.add(path.read_text())
    for writer in writers:
        writer.join()
    assert seen <= {*texts}
    assert list(tmp_path.iterdir()) == [path]


def test_only_what_nobody_writes_any_more_is_removed(tmp_path: Path) -> None:
    """And only what has such a name; a folder too."""
    left, held = tmp_path / ".a.json.0123abcd.part", tmp_path / ".b.json.0123abcd.part"
    other, folder = tmp_path / ".a.json.part", tmp_path / ".exercise9.0123abcd.part"
    for path in (left, held, other):
        path.touch()
    folder.mkdir()
    (folder / "stub.py").touch()
    with held.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        remove_unfinished(tmp_path, "a.json")
        assert not left.exists()
        assert folder.exists()
        remove_unfinished(tmp_path)
        assert {*tmp_path.iterdir()} == {held, other}


@pytest.mark.parametrize("name", ["x" * 250, "\u00e9" * 120, "new\nline", "a b"])
def test_any_name(tmp_path: Path, name: str) -> None:
    """Also the longest: what it is called meanwhile is as long at most."""
    for text in (OLD, NEW):
        write_whole(tmp_path / name, text)
        assert (tmp_path / name).read_text() == text
    (tmp_path / name).unlink()
    for _ in _kill_at_each_line(lambda: write_whole(tmp_path / name, NEW)):
        write_whole(tmp_path / name, OLD)
        assert os.listdir(tmp_path) == [name]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Before the work where that is known, and after it where not."""
    (tmp_path / "link").symlink_to(tmp_path / "absent" / "verdict.json")
    with pytest.raises(UsageError, match="is a folder"):
        check_writable(tmp_path)
    for path in (tmp_path / "absent" / "verdict.json", tmp_path / "link"):
        with pytest.raises(UsageError, match="does not exist"):
            check_writable(path)
        with pytest.raises(GraderError, match="could not be written"):
            write_whole(path, "{}")


def test_a_link_is_written_through(tmp_path: Path) -> None:
    """It stays a link."""
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for text in (OLD, NEW):
        write_whole(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "target").read_text() == text


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    """It stays what it is; nothing is removed either."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)) as reader:
        check_writable(fifo)
        write_whole(fifo, NEW)
        assert reader.read() == NEW
    remove(fifo)
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    remove(Path("/dev/stdout"))
    assert os.path.lexists("/dev/stdout")


@contextmanager
def _standard_output(path: Path, how: int) -> Iterator[None]:
    """Standard output is a file, as a shell opens it."""
    sys.stdout.flush()
    kept, file = os.dup(1), os.open(path, how | os.O_CREAT, 0o666)
    os.dup2(file, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        for descriptor in (kept, file):
            os.close(descriptor)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("how", [os.O_WRONLY, os.O_WRONLY | os.O_APPEND])
def test_standard_output_that_is_a_file(tmp_path: Path, name: str, how: int) -> None:
    """It is written where it is, between what is printed before and afterwards."""
    path = tmp_path / "log"
    with _standard_output(path, how):
        os.write(1, b"before\n")
        check_writable(Path(name))
        write_whole(Path(name), "text\n")
        os.write(1, b"after\n")
    assert path.read_text() == "before\ntext\nafter\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_command_s_output_is_its_report(tmp_path: Path) -> None:
    """As a shell's user expects it, whether that is a file or a pipe."""
    done = shell(f"grade exercise1 {tmp_path} --json /dev/stdout >{tmp_path}/out")
    assert done.returncode == 2  # there is no program; nothing is graded
    program = tmp_path / "exercise1.py"
    program.write_text("print(")
    for command in ("> out; cat out", "| cat", ">> out; cat out"):
        done = shell(f"cd {tmp_path}; grade exercise1 --json /dev/stdout {command}")
        assert '"exercise": "exercise1"' in done.stdout
        assert "Score: 0 of" in done.stdout


@pytest.mark.parametrize("command", ["start", "new"])
def test_what_is_made_by_one_that_is_killed(tmp_path: Path, command: str) -> None:
    """What is there is whole, and the same command goes on."""
    exercise = find("exercise1")

    def start() -> None:
        hand_out([exercise], tmp_path)

    def new() -> None:
        make_exercise("exercise9", tmp_path)

    do = {"start": start, "new": new}[command]
    expected: dict[Path, bytes] = {}
    for _ in _kill_at_each_line(do):
        if command == "new" and (tmp_path / "exercises" / "exercise9").exists():
            return  # it is there: whoever made it was killed afterwards
        with_names = [p for p in tmp_path.rglob("*") if not p.name.endswith(".part")]
        for path in filter(Path.is_file, with_names):
            if path.name == exercise.program:
                assert path.read_bytes() == exercise.stub.read_bytes()
        if command == "start":
            do()
            there = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
            expected = expected or there
            assert there == expected
            for path in there:
                path.unlink()


def test_a_stub_that_finds_no_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it is there, so that the next time it is written."""

    def start() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        hand_out([find("exercise1")], tmp_path)

    assert _in_a_process(start) == 3
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert main(["start", str(tmp_path)]) == 0
    stub = tmp_path / "exercises" / "exercise1" / "exercise1.py"
    assert stub.read_bytes() == find("exercise1").stub.read_bytes()


@anywhere
def test_a_name_that_is_taken_stays(tmp_path: Path) -> None:
    """Also that of a link that leads nowhere."""
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_text(OLD)
    link.symlink_to("absent")
    assert not write_new(path, b"")
    assert not write_new(link, b"")
    assert path.read_text() == OLD
    assert {*tmp_path.iterdir()} == {path, link}
    with pytest.raises(OSError, match="Directory not empty"), whole_folder(tmp_path):
        pass
    assert {*tmp_path.iterdir()} == {path, link}
