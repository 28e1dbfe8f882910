"""The help of every command: what it says, and that its examples are true."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.catalog import find, names
from grader.cli import main, parser
from grader.commands.manual import Manual
from grader.commands.parser import ANY_EXERCISE, Parser
from grader.diagnosis.texts import all_ids
from grader.exploring.choices import decode
from grader.tracing.schedule import SCHEDULES
from tests.conftest import Golden

MANUALS = Path(__file__).parents[2] / "grader" / "commands" / "manual"
COMMANDS = [command.name for command in parser("").commands()]
# The first words of commands of two.
GROUPS = ["gradescope"]


@pytest.fixture(autouse=True)
def _width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def _shown(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


@pytest.mark.parametrize("command", ["", *GROUPS, *COMMANDS])
def test_the_help_of_a_command(
    capsys: pytest.CaptureFixture[str], golden: Golden, command: str
) -> None:
    """As it stands on a terminal of 80 columns; `grade help` shows the same."""
    words = command.split()
    shown = _shown(capsys, [*words, "--help"])
    assert max(map(len, shown.splitlines())) <= 80
    assert _shown(capsys, ["help", *words]) == shown
    golden(f"help-{command.replace(' ', '-') or 'grade'}.txt", shown)


@pytest.mark.parametrize("columns", ["1", "40"])
@pytest.mark.parametrize("command", ["", *GROUPS, *COMMANDS])
def test_help_in_a_narrow_window(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    columns: str,
) -> None:
    """Nothing is lost; at 40 columns only what is one word is wider."""
    words = [*command.split(), "--help"]
    wide = _shown(capsys, words)
    monkeypatch.setenv("COLUMNS", columns)
    narrow = _shown(capsys, words)
    if columns == "40":
        assert all(len(line) <= 40 or _is_one(line) for line in narrow.splitlines())
    assert _letters(narrow) == _letters(wide)


def _is_one(line: str) -> bool:
    """One word, or an option and its value, and that it goes on."""
    return len(line.removesuffix(" \\").split()) <= 2


def _letters(text: str) -> str:
    return "".join(text.replace("\\\n", "").split())


def test_every_command_has_examples() -> None:
    """Two to four of its own; the whole has more, and no file is for nothing."""
    for command in [*GROUPS, *COMMANDS]:
        manual = Manual.of(command)
        assert manual is not None, f"{MANUALS}/{command}.toml is missing"
        assert 2 <= len(manual.examples) <= 4
        for line in manual.examples:
            name = "exercise" if command == ANY_EXERCISE else command
            assert f"grade {name}" in line
    written = {path.stem for path in MANUALS.glob("*.toml")}
    assert written == {"grade", *GROUPS, *(c.replace(" ", "-") for c in COMMANDS)}


def _examples() -> Iterator[str]:
    for command in ["", *GROUPS, *COMMANDS]:
        manual = Manual.of(command)
        yield from manual.examples if manual else ()


@pytest.mark.parametrize("line", sorted(set(_examples())))
def test_an_example_is_true(line: str) -> None:
    """The real parser takes it, and what it names is there: checks, diagnoses, ..."""
    for words in _calls(line):
        top = parser(words[0], names())
        parsed, rest = top.parse_known_args(words)
        assert not rest
        assert isinstance(parsed.parser, Parser)
        given = vars(parsed)
        if words[0].startswith("exercise"):
            checks = {check.id for check in find(words[0]).checks}
            assert set(given["check"] or ()) <= checks
        elif isinstance(given.get("exercise"), list):
            assert set(given["exercise"]) <= set(names())
        for pair in [*given.get("due", ()), *given.get("weight", ())]:
            assert pair[0] in ("", *names())
        assert given.get("diagnosis") in (None, *all_ids())
        schedule = given.get("schedule")
        assert schedule in (None, *SCHEDULES) or decode(str(schedule))


def _calls(line: str) -> Iterator[list[str]]:
    """The words of each call of `grade` in a line of shell, without what is around."""
    shell = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
    shell.whitespace_split = True
    words = list(shell)
    if words[0] == "echo":  # into a start-up file
        assert words[1].startswith('eval "$(grade ')
        words = words[1].removeprefix('eval "$(').removesuffix(')"').split()
    while words:
        assert words.pop(0) == "grade"
        end = next((n for n, w in enumerate(words) if set(w) <= set("<>|&")), None)
        yield words[:end]
        separator = words[end] if end is not None else ""
        words = words[end + 1 :] if end is not None and separator == "&&" else []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("exercise1 --jsno v.json", "no option --jsno; did you mean --json?"),
        ("exercise1 --jsno=v.json", "no option --jsno; did you mean --json?"),
        ("course class --uot results", "no option --uot; did you mean --out?"),
        ("gradebook r --wieght exercise1=2", "did you mean --weight?"),
        ("trace --verbos prog --jsno", "no option --verbos; did you mean --verbose?"),
        ("list -q", "no option -q: `grade list --help` lists them"),
        ("--vresion", "no option --vresion; did you mean --version?"),
        ("list a b", "'a' is one word too many; `grade list --help` has examples"),
        ("course class", "`grade course` needs --out; "),
        ("course", "`grade course` needs SUBMISSIONS; "),
        ("gradebook", "`grade gradebook` needs RESULTS; "),
        ("course class --out", "--out needs a value: RESULTS; "),
        ("list --help=x", "--help takes no value\n"),
        ("gradebook r --canvas a --moodle b", "do not go together; "),
        ("gradebook r --weight x", "--weight: 'x' is not like exercise2=5; "),
        ("course c --out r --due soon", "--due: 'soon' is not a date; write one"),
        ("course c --out r --jobs 0", "--jobs: '0' is not a number from 1 on; "),
        ("help cours", "did you mean `grade course`?"),
    ],
)
def test_wrong_words(capsys: pytest.CaptureFixture[str], words: str, said: str) -> None:
    """One sentence that says what was meant, and status 2."""
    try:
        status = main(words.split())
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        status = ended.code
    assert status == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("grade: ")
    assert error.count("\n") == 1


def test_what_follows_a_program_is_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """An option that `grade trace` does not know is not looked at behind PROGRAM."""
    assert main(["trace", "true", "--jsno", "--help"]) == 0
    assert capsys.readouterr().err == ""
