"""Completion, as the real shells ask for it and show it."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

from grader.catalog import Course, find, names
from grader.cli import main, parser
from grader.diagnosis.texts import all_ids
from grader.tracing.schedule import SCHEDULES

# What a shell calls is the command, installed beside this interpreter.
BIN = str(Path(sys.executable).parent)
CHECKS = [check.id for check in find("exercise1").checks]

Ask = Callable[[str], set[str]]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without start-up files, in a folder with files of awkward names."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZDOTDIR", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("SHELL_SESSIONS_DISABLE", "1")
    (tmp_path / "home" / "course").mkdir(parents=True)
    work = tmp_path / "work"
    (work / "solved").mkdir(parents=True)
    for name in ("solo.py", "sol two.py", ".hidden.py"):
        (work / name).touch()
    monkeypatch.chdir(work)


def _in_bash(line: str) -> set[str]:
    """What the function that bash calls for this line answers, as bash gets it."""
    script = f"""
        . {_printed_for("bash")}
        [[ $(complete -p grade) == *"-F _python_argcomplete grade" ]] || exit 9
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_TYPE=9
        _python_argcomplete grade
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return _printed(["bash", "--norc", "-c", script])


def _in_fish(line: str) -> set[str]:
    """What fish offers for this line."""
    script = f". {_printed_for('fish')}\ncomplete -C {shlex.quote(line)}"
    told = _printed(["fish", "--no-config", "-c", script])
    return {offer.partition("\t")[0] for offer in told}


def _in_zsh(line: str) -> set[str]:
    """What zsh's line editor offers for this line: all that is added to its list."""
    Path(os.environ["ZDOTDIR"], ".zshrc").write_text(
        f"""
        . {_printed_for("zsh")}
        unsetopt auto_list  # it would ask before it shows a long list
        typeset -ga offered
        compadd() {{
            local -a added
            builtin compadd -O added "$@"
            offered+=("${{added[@]}}")
            builtin compadd "$@"
        }}
        ask() {{
            LBUFFER={shlex.quote(line)}
            zle complete-word
            print -rl -- "${{offered[@]}}" >$HOME/offered
            exit
        }}
        zle -N zle-line-init ask
        """
    )
    _on_a_terminal(["zsh", "-d", "-i"])
    return _lines(Path(os.environ["HOME"], "offered").read_text())


@cache
def _code(shell: str) -> str:
    return subprocess.run(
        ["grade", "completion", shell], capture_output=True, text=True, check=True
    ).stdout


def _printed_for(shell: str) -> Path:
    """The file with what `grade completion` prints for a shell."""
    path = Path(os.environ["HOME"], f"grade.{shell}")
    path.write_text(_code(shell))
    return path


def _printed(command: list[str]) -> set[str]:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return _lines(done.stdout)


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()} - {""}


def _on_a_terminal(command: list[str], typed: bytes = b"") -> bytes:
    """Run it on a terminal of its own; all that it shows.

    A shell that asks something is ended after a minute.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    os.write(ours, typed)
    shown = b""
    with suppress(OSError):  # EIO: it has ended
        while select.select([ours], [], [], 60)[0]:
            shown += os.read(ours, 1 << 16)
    os.close(ours)
    process.kill()
    process.wait()
    return shown


def _if_installed(shell: str, ask: Ask) -> object:
    absent = shutil.which(shell) is None
    return pytest.param(
        ask,
        id=shell,
        marks=pytest.mark.skipif(absent, reason=f"{shell} is not installed"),
    )


SHELLS = [
    _if_installed("bash", _in_bash),
    _if_installed("zsh", _in_zsh),
    _if_installed("fish", _in_fish),
]

ASKED: list[tuple[str, Iterable[str]]] = [
    ("grade ", [*names(), *parser("", names()).names()]),
    ("grade exer", names()),
    ("grade comp", ["completion"]),
    ("grade help gradeb", ["gradebook"]),
    ("grade exercise1 --c", ["--check", "--config", "--course"]),
    ("grade exercise1 --check ", CHECKS),
    ("grade exercise1 --verbose --check parent-w", ["parent-waits-for-its-child"]),
    ("grade hint ", names()),
    ("grade explain ", all_ids()),
    ("grade explain zombie", ["zombie-left"]),
    ("grade course --exercise ", names()),
    ("grade gradebook results --exercise exercise2", ["exercise2"]),
    ("grade trace --schedule ", SCHEDULES),
    ("grade completion ", ["bash", "zsh", "fish"]),
    ("grade exercise1 solo", ["solo.py"]),
    ("grade course sol", ["solo.py", "sol two.py", "solved/"]),
    ("grade course ~/co", ["~/course/"]),
    ("grade exercise1 --json so", ["solo.py", "sol two.py", "solved/"]),
    ("grade trace solo.py sol", ["solo.py", "sol two.py", "solved/"]),
]


@pytest.mark.parametrize("ask", SHELLS)
@pytest.mark.parametrize(("line", "expected"), ASKED)
def test_a_shell_offers_what_may_come_next(
    ask: Ask, line: str, expected: Iterable[str]
) -> None:
    """Commands, exercises, options, checks, diagnoses, schedules; files elsewhere."""
    offered = {offer.replace("\\", "") for offer in ask(line)}
    assert offered == set(expected)


@pytest.mark.parametrize("ask", SHELLS)
def test_what_another_course_has(ask: Ask) -> None:
    """Its exercises, checks and diagnoses, once the words so far name it."""
    assert main(["new", "exercise9", "--course", "mine"]) == 0
    Path("mine/diagnoses").mkdir()
    text = "# other-kind: it\n" + "".join(
        f"\n## {heading}\n\n- so\n"
        for heading in ("What it means", "Why it is wrong", "What to do", "Read")
    )
    Path("mine/diagnoses/other-kind.md").write_text(text)
    checks = {check.id for check in Course(Path("mine")).read("exercise9").checks}
    assert ask("grade exercise9 --course mine --check ") == checks
    assert ask("grade explain --course mine oth") == {"other-kind"}
    assert ask("grade hint --course mine ") == {"exercise9"}
    assert ask("grade exercise1 --course mine --check ") == set()
    assert ask("grade explain --course absent zomb") == set()


@pytest.mark.parametrize("ask", SHELLS)
def test_nothing_is_offered_where_nothing_is_known(ask: Ask) -> None:
    """A number, and a name that is like none."""
    assert ask("grade course --jobs ") == set()
    assert ask("grade explain bombie") == set()


def test_the_tab_key_in_bash() -> None:
    """What is typed becomes what was meant, also with a space in a file's name."""
    keys = b'eval "$(grade completion bash)"\n'
    for typed in (b"grade explain zombi", b"grade exercise1 sol\\ t"):
        keys += typed + b"\t" + b"\x01echo told \x05\n"  # before it, and behind it
    shown = _on_a_terminal(["bash", "--norc", "-i"], keys + b"exit\n").decode()
    assert "told grade explain zombie-left" in shown
    assert "told grade exercise1 sol two.py" in shown


def test_an_answer_starts_nothing(tmp_path: Path) -> None:
    """No worker is forked for an exercise whose name is being typed."""
    line = "grade exercise1 --check "
    told = tmp_path / "calls"
    script = (
        "import os, sys\n"
        "os.register_at_fork(before=lambda: open(sys.argv.pop(), 'w').close())\n"
        "sys.argv[0] = 'grade'\n"
        "from grader.__main__ import command\n"
        "command()\n"
    )
    done = subprocess.run(
        [
            *("sh", "-c", 'exec "$@" 8>&1', "sh"),
            *(sys.executable, "-c", script, "exercise1", str(told)),
        ],
        env={
            **os.environ,
            "_ARGCOMPLETE": "1",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert _lines(done.stdout.replace("\v", "\n")) == set(CHECKS)
    assert not told.exists()


def test_a_shell_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence with those that there are."""
    with pytest.raises(SystemExit) as ended:
        main(["completion", "tcsh"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "grade: SHELL: there is no 'tcsh'; there are bash, zsh, fish\n"
    )
