"""How `grade` behaves where it is called in an unusual way, or in an unusual place."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.cli import main
from grader.errors import GraderError
from grader.files import write_whole
from tests.classreport import classes

ROOT = Path(__file__).parents[2]
GRADE = f"{sys.executable} -m grader"
COMMANDS = ["list", "explain zombie-left", "hint exercise1", "completion bash"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    work = tmp_path / "work"
    (work / "folder").mkdir(parents=True)
    monkeypatch.chdir(work)


def shell(line: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `grade` is this one."""
    changed = {**os.environ, **{k: v or "" for k, v in environment.items()}}
    return subprocess.run(
        line.replace("grade ", f"{GRADE} ", 1),
        shell=True,
        env=changed,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "words",
    [
        ["exercise1", "--json", ""],
        ["exercise1", "--junit="],
        ["exercise1", ""],
        ["all", "--gradescope", ""],
        ["course", "", "--out", "r"],
        ["course", "folder", "--out", ""],
        ["gradebook", ""],
        ["gradebook", "folder", "-o", ""],
        ["gradebook", "folder", "--canvas", ""],
        ["start", ""],
        ["trace", "--json", "", "true"],
        ["course", "folder", "--out", "r", "--config", ""],
    ],
)
def test_an_empty_name(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """It is not the current folder: that is what an unset variable leaves."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.endswith(": it is empty; name a file or a folder\n")
    assert error.count("\n") == 1
    assert os.listdir() == ["folder"]


@pytest.mark.parametrize(
    "words",
    [
        ["fo\n\x1b[31mo"],
        ["exercise1", "--fo\x1b[31m"],
        ["exercise1", "--fail-under", "\x1b[31m"],
        ["course", "\x1b[31m", "--out", "r"],
        ["gradebook", "a\n\x1b[31m\n"],
        ["trace", "./\x1b[31m"],
    ],
)
def test_a_name_is_no_command_to_the_terminal(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """What a file is called is written out: one line, and no colour."""
    try:
        assert main(words) == 2
    except SystemExit as ended:
        assert ended.code == 2
    error = capsys.readouterr().err
    assert "\\x1b[31m" in error
    assert "\x1b" not in error
    assert error.count("\n") == 1


def test_a_folder_is_no_program(capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, and what to do."""
    assert main(["trace", "./folder"]) == 2
    assert capsys.readouterr().err == (
        "grade: ./folder is a folder; name a program in it\n"
    )


@pytest.mark.parametrize("command", [*COMMANDS, "--help", "course --help", "--version"])
def test_an_output_that_is_full(command: str) -> None:
    """Status 3 and a sentence: what was not printed was not done."""
    for buffered in ({}, {"PYTHONUNBUFFERED": "1"}):
        done = shell(f"grade {command} >/dev/full", **buffered)
        assert done.returncode == 3
        assert done.stderr == (
            "grade: the output: No space left on device; make room there, or name "
            "another place\n"
        )


@pytest.mark.parametrize(
    "words",
    [
        ["exercise1", "--json", "a/b/v.json"],
        ["trace", "--json", "a/b/v.json", "true"],
        ["course", "folder", "--out", "a/b/r"],
        ["gradebook", "folder", "-o", "a/b/g.csv"],
        ["report", "folder", "-o", "a/b/r.html"],
        ["report", "folder", "--feedback", "a/b/f"],
        ["gradescope", "build", "-o", "a/b/g.zip"],
        ["start", "a/b/mine"],
        ["new", "exercise1", "--course", "a/b/mine"],
    ],
)
def test_a_place_in_no_folder(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """No output makes the folders above it: a slip in a path is told."""
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "grade: the folder a/b does not exist; make it first\n"
    )
    assert os.listdir() == ["folder"]


@pytest.mark.parametrize(
    "words",
    [
        ["start", "mine"],
        ["start", "folder/../mine"],
        ["new", "exercise1", "--course", "mine"],
    ],
)
def test_a_place_in_a_folder_is_made(words: list[str]) -> None:
    """The last folder of a path is what was asked for."""
    assert main(words) == 0
    assert Path("mine", "exercises", "exercise1").is_dir()


def test_a_folder_with_a_space(capsys: pytest.CaptureFixture[str]) -> None:
    """What is told to be typed can be typed."""
    assert main(["start", "my work"]) == 0
    assert "; cd 'my work', then `grade exercise1`" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["course", "folder", "--out", "file"],
        ["course", "folder", "--out", "file/r"],
        ["course", "folder", "--out", "loop"],
        ["course", "loop", "--out", "r"],
        ["course", "folder", "--out", "r", "--roster", "loop"],
        ["report", "results", "--feedback", "file"],
        ["report", "results", "--feedback", "loop"],
        ["gradebook", "results", "--moodle", "loop"],
        ["gradebook", "results", "--canvas", "folder/ada"],
        ["list", "--config", "loop"],
        ["list", "--config", "absent"],
        ["list", "--course", "loop"],
        ["start", "file"],
        ["new", "exercise1", "--course", "file"],
        ["trace", "--json", "loop", "true"],
    ],
)
def test_what_the_system_refuses_is_told_with_the_cure(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """The file, what is wrong with it, and what to do."""
    Path("file").touch()
    Path("loop").symlink_to("loop")
    Path("folder", "ada").mkdir()
    Path("folder", "ada", "exercise1.py").write_text("pass\n")
    classes.make(Path("results"))
    assert main(words) == 2
    error = capsys.readouterr().err
    odd = ("file", "loop", "absent", "folder/")
    name = next(word for word in words if word.startswith(odd)).removesuffix("/r")
    assert re.fullmatch(rf"grade: [^;]*{name}[^;]*; [a-z`][^;]+(; .*)?\n", error)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "Permission denied; change its permissions, or name another"),
        (errno.EROFS, "Read-only file system; name a place that can be written"),
        (errno.EISDIR, "Is a directory; name a file in it"),
        (errno.ENOSPC, "No space left on device; make room there, or name another"),
    ],
)
def test_what_the_system_refuses_has_a_cure(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    said: str,
) -> None:
    """Whatever writes: one sentence with the file, and what to do."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "there")

    monkeypatch.setattr("os.replace", refuse)
    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(GraderError, match=f"v.json could not be written: {said}"):
        write_whole(Path("v.json"), "")
    monkeypatch.setattr("grader.hints.next_hint", refuse)
    assert main(["hint", "exercise1"]) == 3
    assert capsys.readouterr().err.startswith(f"grade: there: {said}")


@pytest.mark.parametrize("command", [*COMMANDS, "--help"])
def test_streams_that_are_closed(command: str) -> None:
    """Nobody listens, and nothing complains."""
    for closed in (">&-", ">&- 2>&- <&-"):
        done = shell(f"grade {command} {closed}")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("command", ["bogus", "course --bogus", "trace ./absent"])
def test_nobody_hears_what_is_wrong(command: str) -> None:
    """The exit status says it also where standard error is closed or full."""
    for unheard in ("2>&-", "2>/dev/full"):
        assert shell(f"grade {command} {unheard}").returncode == 2


@pytest.mark.parametrize("command", ["exercise1", "all", "trace true"])
def test_the_current_folder_was_removed(command: str) -> None:
    """One sentence, and no traceback."""
    Path("gone").mkdir()
    done = shell(
        f'cd gone && rmdir ../gone && exec "$0" -m grader {command}'.replace(
            '"$0"', sys.executable
        )
    )
    if "trace" not in command:
        assert done.returncode == 2
        assert done.stderr == (
            "grade: the current folder was removed; `cd` to one that is there\n"
        )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"TERM": "dumb"},
        {"NO_COLOR": "1", "TERM": "xterm"},
        {"TERM": ""},
        {"COLUMNS": "40"},
        {"COLUMNS": "x"},
    ],
    ids=str,
)
def test_a_terminal_that_can_little(environment: dict[str, str]) -> None:
    """Every character arrives as one that can be shown, without a sequence."""
    Path("exercise1.py").write_text("print('\u2713 \u00fc')\n", encoding="utf-8")
    for command in ("list", "exercise1", "explain not-flushed", "trace exercise1.py"):
        done = shell(f"grade {command}", **environment)
        assert done.returncode in (0, 1)
        assert done.stderr == ""
        assert "\x1b" not in done.stdout
        if "ascii" in environment.values():
            assert done.stdout.isascii()
        if environment.get("COLUMNS") == "40":
            long = [line for line in done.stdout.splitlines() if len(line) > 40]
            assert all(" " not in line.strip() for line in long)


@pytest.mark.parametrize(
    "limits", ["-f 8000", "-n 200", "-v 8000000", "-d 2000000", "-t 14", "-c 0"]
)
def test_limits_of_whoever_grades(limits: str) -> None:
    """Where they are lower than a program's would be, its verdict is the same."""
    program = ROOT / "solutions" / "exercise1" / "exercise1.py"
    done = shell(f"ulimit {limits}; grade exercise1 {program}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "10 of 10" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "Exercise2",
            "there is no command 'Exercise2'; did you mean `grade exercise2`?",
        ),
        ("exercice_02", "no command 'exercice_02'; did you mean `grade exercise2`?"),
        ("explian", "there is no command 'explian'; did you mean `grade explain`?"),
        ("exercise1 --bogus", "there is no option --bogus: `grade exercise1 --help`"),
        ("exercise1 --chekc x", "no option --chekc; did you mean --check?"),
        ("trace", "`grade trace` needs PROGRAM; `grade trace --help` has examples"),
        ("exercise9 --course mine", "there is no exercise 'exercise9'; there is exer"),
        (
            "check-course mine --exercise exercise9",
            " in mine; there is exercise1 alone",
        ),
        (
            "list --course odd",
            "odd/exercises holds no exercise but Exercise1, which is",
        ),
    ],
)
def test_what_was_meant(
    capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    """What is like it in what matters, and nothing else, is offered."""
    Path("odd/exercises/Exercise1").mkdir(parents=True)
    assert main(["new", "exercise1", "--course", "mine"]) == 0
    try:
        assert main(words.split()) == 2
    except SystemExit as ended:
        assert ended.code == 2
    error = capsys.readouterr().err
    assert said in error.replace(f"{Path.cwd()}/", "")
    assert error.count("\n") == 1


def test_a_course_in_the_current_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who forgets to name it is told: in a job of CI it may be a student's."""
    assert main(["new", "exercise1", "--course", "mine"]) == 0
    assert main(["start", "student"]) == 0
    said = "grade: the course in this folder is not used, but forklab's own; say "
    for folder, words, told in (
        ("mine", "list", said + "--course . to use it\n"),
        ("mine", "list --course .", ""),
        ("mine", "doctor", ""),
        ("student", "list", ""),
    ):
        capsys.readouterr()
        with monkeypatch.context() as inside:
            inside.chdir(folder)
            assert main(words.split()) == 0
        assert capsys.readouterr().err == told


def test_a_long_name_of_an_exercise(capsys: pytest.CaptureFixture[str]) -> None:
    """Its title does not touch it."""
    name = "exercise99999999999999999999"
    assert main(["new", name, "--course", "mine"]) == 0
    capsys.readouterr()
    assert main(["list", "--course", "mine"]) == 0
    assert f"{name} Exit codes." in capsys.readouterr().out
