"""The config file: what it sets, what is wrong with one, and which one is trusted."""

from __future__ import annotations

import argparse
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader import config
from grader.cli import main, parser
from tests.conftest import keep_or_compare

DOCS = Path(__file__).parents[2] / "docs"
SOLUTIONS = Path(__file__).parents[2] / "solutions"
NOT_USED = "is not used: "


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A course's folder that is a repository of its own, and no file named."""
    monkeypatch.delenv("FORKLAB_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "teaching" / "course"
    (folder / ".git").mkdir(parents=True)
    (folder / "class" / "ada").mkdir(parents=True)
    monkeypatch.chdir(folder)


def parsed(words: str) -> argparse.Namespace:
    """What these words mean, together with the config file."""
    top = parser(words.split()[0])
    config.use(list(top.commands()))
    return top.parse_args(words.split())


def write(text: str, path: str = "forklab.toml") -> None:
    """Write a config file."""
    Path(path).write_text(text)


def test_values_of_every_kind() -> None:
    """Numbers, texts, flags, dates, lists and tables are as on the command line."""
    write(
        "[course]\nout = 'results'\njobs = 4\nagain = true\nexercise = ['exercise1']\n"
        "due = {exercise1 = '2026-10-01', exercise2 = 2026-10-08T12:00:00}\n"
        "[gradebook]\nweight = {exercise2 = 5}\nlate = 12.5\nexercise = 'exercise2'\n"
    )
    course = parsed("course class")
    same = parsed(
        "course class --no-config --out results --jobs 4 --again --exercise exercise1 "
        "--due exercise1=2026-10-01 --due exercise2=2026-10-08T12:00:00"
    )
    names = ("out", "jobs", "again", "exercise", "due")
    assert [getattr(course, n) for n in names] == [getattr(same, n) for n in names]
    gradebook = parsed("gradebook results")
    assert gradebook.weight == [("exercise2", Decimal(5))]
    assert gradebook.late == Decimal("12.5")
    assert gradebook.exercise == ["exercise2"]


def test_a_file_that_was_written_on_windows() -> None:
    """With the mark that editors put before UTF-8 there, and its line ends."""
    text = "[gradebook]\r\nlate = 12.5\r\n"
    Path("forklab.toml").write_bytes(text.encode("utf-8-sig"))
    assert parsed("gradebook results").late == Decimal("12.5")


def test_the_command_line_wins() -> None:
    """An option that is given there is not taken from the file, nor is its rival."""
    write(
        "[course]\nout = 'r'\nexercise = ['exercise1']\n"
        "due = {exercise1 = '2026-10-01'}\n[gradebook]\ncanvas = 'c.csv'\n"
    )
    course = parsed("course class --exercise exercise2 --due 2026-11-01")
    assert course.exercise == ["exercise2"]
    assert [name for name, _ in course.due] == [""]
    gradebook = parsed("gradebook results --moodle m.csv")
    assert gradebook.canvas is None
    assert gradebook.moodle == Path("m.csv")
    assert parsed("gradebook results").canvas == Path("c.csv")


def test_tables_of_several_commands() -> None:
    """The command's own counts more than [grade], and that more than all commands'."""
    write(
        "[every-command]\nverbose = true\nfail-under = 10\njobs = 3\n"
        "[grade]\nfail-under = 80\n[all]\nfail-under = 90\n[course]\nout = 'r'\n"
    )
    assert parsed("exercise1 --config forklab.toml").fail_under == 80
    everything = parsed("all --config forklab.toml")
    assert (everything.fail_under, everything.verbose) == (90, True)
    assert parsed("course class").jobs == 3


def test_paths_count_from_the_files_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from below it; those on the command line count from where one is."""
    write("[course]\nout = 'results'\n[gradebook]\ncanvas = '/c.csv'\nout = '~/o'\n")
    top = Path.cwd()
    assert parsed("course class").out == Path("results")
    (top / "below").mkdir()
    monkeypatch.chdir("below")
    assert parsed("course class").out == top / "results"
    assert parsed("course class --out r").out == Path("r")
    gradebook = parsed("gradebook r")
    assert gradebook.canvas == Path("/c.csv")
    assert gradebook.out == Path(os.environ["HOME"], "o")


def test_it_does_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole command: marks that would not pass do."""
    wrong = SOLUTIONS / "exercise1" / "wrong" / "sleeps_instead_of_waiting.py"
    write("[grade]\nfail-under = 80\n", "ours.toml")
    assert main(["exercise1", str(wrong)]) == 1
    assert main(["exercise1", str(wrong), "--config", "ours.toml"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[course", "forklab.toml is not valid TOML: "),
        ("[course", "; mend it, or say --no-config"),
        (
            "\n[cours]\n",
            "forklab.toml, line 2: there is no table [cours]; did you mean",
        ),
        ("[zzz]\n", "there is no table [zzz]; there are every-command, grade, "),
        ("course = 'x'\n", "forklab.toml, line 1: course stands in no table; "),
        (
            "[course]\n\njbos = 1",
            "line 3: jbos in [course] is no option; did you mean j",
        ),
        ("[course]\nzzz = 1", "zzz in [course] is no option; there are course, out, "),
        ("[course]\nconfig = 'x'", "config in [course] is no option"),
        ("[course]\njobs = 0", "line 2: jobs in [course]: '0' is not a number from 1"),
        ("[course]\njobs = true", "jobs in [course] is a text or a number: N"),
        ("[course]\njobs = [1]", "jobs in [course] is one value, no list: N"),
        ("[course]\njobs = {a = 1}", "jobs in [course] is no table: it is N"),
        ("[course]\nout = 1", "out in [course] is the name of a file or a folder"),
        ("[course]\nout = ''", "out in [course] is the name of a file or a folder"),
        ("[course]\nagain = 1", "again in [course] is true or false"),
        ("[course]\ndue = {exercise1 = 'x'}", "due in [course]: 'x' is not a date"),
        ("[course]\ndue = [['x']]", "due in [course] is a text or a number"),
        (
            "[course]\nexercise = {a = 1}",
            "exercise in [course] is no table: it is NAME",
        ),
        ("[gradebook]\nlate = inf", "late in [gradebook]: 'Infinity' is not a number"),
        ("[grade]\nout = 'x'", "out in [grade] is no option; there are course, json, "),
        ("[doctor]\n", "there is no table [doctor]"),
        ("\udcff", "forklab.toml is not UTF-8 text"),
        (
            "[course]\nout = 'r'\nroster = \"a\\u0000b\"",
            "line 3: roster in [course] has a NUL character in it; remove it",
        ),
        (
            '[course]\ndue = {exercise1 = "\\u0000"}',
            "line 2: due in [course] has a NUL character in it; remove it",
        ),
        ("[course]\nexercise = " + "[" * 5000, "nests its values too deeply; "),
    ],
)
def test_what_is_wrong_with_a_file(
    capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    """One sentence with the file, the line, the key, and what may stand there."""
    Path("forklab.toml").write_bytes(text.encode(errors="surrogateescape"))
    command = "gradebook" if "[gradebook]" in text else "course"
    out = [] if "out" in text else ["--out", "r"]
    assert main([command, "class", *out]) == 2
    error = capsys.readouterr().err
    assert error.startswith("grade: forklab.toml")
    assert said in error
    assert error.count("\n") == 1
    assert not Path("r").exists()


@pytest.mark.parametrize(
    ("text", "command", "said"),
    [
        ("[gradebook]\nweight = {exercise9 = 5}", "gradebook class", "weight in ["),
        ("[gradebook]\nexercise = ['exercise9']", "gradebook class", "exercise in ["),
        ("[course]\ndue = {exercise9 = 'none'}", "course class --out r", "due in ["),
        ("[list]\ncourse = 'nope'", "list", "course in [list]: there is no course"),
        ("[check-course]\nexercise = ['exercise9']", "check-course", "exercise in ["),
        ("[grade]\ncheck = 'nope'", "exercise1 class", "check in [grade]: exercise1"),
    ],
)
def test_what_its_course_does_not_have(
    capsys: pytest.CaptureFixture[str], text: str, command: str, said: str
) -> None:
    """It shows late, and is told with its place all the same."""
    write(text)
    Path("class", "exercise1.py").write_text("pass\n")
    assert main([*command.split(), "--config", "forklab.toml"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"grade: forklab.toml, line 2: {said}")
    assert error.count("\n") == 1


def test_what_is_wrong_with_a_word_is_no_fault_of_the_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Though other values come from there."""
    write("[gradebook]\nexercise = ['exercise1']\nlate = 9\n")
    assert main(["gradebook", "class", "--weight", "exercise9=5"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("grade: there is no exercise 'exercise9'; there are exerc")


def test_rivals_in_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    """Both are named."""
    write("[gradebook]\ncanvas = 'c'\nmoodle = 'm'\n")
    assert main(["gradebook", "r"]) == 2
    error = capsys.readouterr().err
    assert "line 3: moodle in [gradebook] does not go together with" in error
    assert "line 2: canvas in [gradebook]\n" in error


def test_a_file_that_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the option, else by the variable; `--no-config` silences both."""
    write("[course]\njobs = 1\n")
    write("[course]\njobs = 2\n", "two.toml")
    write("[course]\njobs = 3\n", "three.toml")
    monkeypatch.setenv("FORKLAB_CONFIG", "two.toml")
    assert parsed("course class --out r").jobs == 2
    assert parsed("course class --out r --config three.toml").jobs == 3
    assert parsed("course class --out r --no-config").jobs is None
    monkeypatch.setenv("FORKLAB_CONFIG", "")
    assert parsed("course class --out r").jobs == 1
    for name, said in (("absent", "No such file"), ("class", "is a folder")):
        monkeypatch.setenv("FORKLAB_CONFIG", name)
        assert main(["course", "class", "--out", "r"]) == 2
        assert said in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["course", "class", "--out", "r", "--config", "x", "--no-config"])
    assert "do not go together" in capsys.readouterr().err


def test_where_the_search_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the top of a repository, and at the user's home."""
    write("[course]\njobs = 9\n", "../forklab.toml")
    assert parsed("course class --out r").jobs is None
    Path(".git").rmdir()
    assert parsed("course class --out r").jobs == 9
    monkeypatch.setenv("HOME", str(Path.cwd()))
    assert parsed("course class --out r").jobs is None


@pytest.mark.parametrize(
    "words", ["exercise1", "all", "exercise1 class/ada", "trace true"]
)
def test_one_persons_work_brings_no_config(
    capsys: pytest.CaptureFixture[str], words: str
) -> None:
    """What is found where `grade` is called is not read, however it is written."""
    write("[grade]\nfail-under = 0\n[trace]\njson = 'stolen'\n[broken")
    parsed(words)
    assert getattr(parsed(words), "fail_under", 100) == 100
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 2  # one a call
    assert NOT_USED + "whoever wrote the program" in error[0]


def test_a_student_cannot_pass_by_a_config_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a job of CI would call it: in the student's repository, without an option."""
    (Path("class/ada") / ".git").mkdir()
    monkeypatch.chdir("class/ada")
    Path("exercise1.py").write_text("print('hello')\n")
    write("[grade]\nfail-under = 0\ncheck = ['both-end-with-0']\n")
    assert main(["exercise1"]) == 1
    shown = capsys.readouterr()
    assert "Score: 0 of 10" in shown.out
    assert NOT_USED in shown.err


@pytest.mark.parametrize("where", ["class", "class/ada", "link"])
def test_nothing_among_the_submissions_is_used(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Wherever one stands, and through links; but the course's own around it is."""
    top = Path.cwd()
    (top / "link").symlink_to(top / "class")
    write("[course]\njobs = 7\n")
    write("[course]\njobs = 1\n", f"{where}/forklab.toml")
    monkeypatch.chdir(where)
    found = parsed(f"course {top / 'class'} --out r")
    assert found.jobs == 7
    assert "among what is graded" in capsys.readouterr().err
    monkeypatch.chdir(top)
    Path("forklab.toml").unlink()
    Path("forklab.toml").symlink_to(f"{where}/forklab.toml")
    assert parsed("course class --out r").jobs is None


def test_nobody_elses_file_is_used(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another user's, nor one that everybody may write; named, it is."""
    write("[course]\njobs = 5\n")
    file = Path("forklab.toml")
    file.chmod(0o666)
    assert parsed("course class --out r").jobs is None
    assert NOT_USED + "everybody may write it" in capsys.readouterr().err
    file.chmod(0o644)
    owner = file.stat().st_uid
    if owner == 0:
        os.chown(file, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert parsed("course class --out r").jobs is None
    assert NOT_USED + "it belongs to another user" in capsys.readouterr().err
    assert parsed("course class --out r --config forklab.toml").jobs == 5


def test_help_needs_no_config(capsys: pytest.CaptureFixture[str]) -> None:
    """A broken file is in nobody's way who asks what may stand there."""
    write("[broken")
    for words in (["course", "--help"], ["completion", "bash"], ["help"]):
        try:
            status = main(words)
        except SystemExit as ended:
            status = int(ended.code or 0)
        assert status == 0
    assert capsys.readouterr().err == ""


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(_TEXTS)
def test_any_text_means_what_it_means_as_a_word(text: str) -> None:
    """An option's text is the same from a file, whatever characters it has."""
    escaped = "".join(f"\\U{ord(character):08x}" for character in text)
    write(f'[course]\nexercise = "{escaped}"\n')
    assert parsed("course class --out r").exercise == [text]


def _keys() -> str:
    """The table of all keys, as docs/config.md shows it."""
    known = config.tables(list(parser("").commands()))
    lines = ["| table | key | value |", "| --- | --- | --- |"]
    for table, commands in known.items():
        if table == config.EVERY:
            continue
        for key in config.keys(commands):
            action = next(
                config.settable(c)[key] for c in commands if key in config.settable(c)
            )
            value = "`true` or `false`" if action.nargs == 0 else f"`{action.metavar}`"
            says = re.sub(r" ?\(default.*", "", str(action.help))
            lines.append(f"| `[{table}]` | `{key}` | {value}: {says} |")
    return "\n".join(lines)


def test_every_key_is_described() -> None:
    """Nobody guesses what a key does."""
    lines = _keys().splitlines()[2:]
    assert len(lines) > 40
    assert [line for line in lines if not re.search(r": \w.* \|$", line)] == []


def test_the_docs_list_all_keys(request: pytest.FixtureRequest) -> None:
    """And no other: the list is written by this test."""
    path = DOCS / "config.md"
    begin, end = r"(<!-- keys: .* -->\n)", r"(\n<!-- end of keys -->)"
    text = path.read_text()
    now = re.sub(
        f"{begin}.*?{end}", lambda m: m[1] + _keys() + m[2], text, flags=re.DOTALL
    )
    keep_or_compare(request, path, now)


def test_the_example_in_the_docs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key of it is a real one, with a real value."""
    example = re.search(
        r"```toml\n(.*?)```", (DOCS / "config.md").read_text(), re.DOTALL
    )
    assert example is not None
    write(example[1])
    assert parsed("course class").jobs == 4
    assert parsed("gradebook results").late == 25
    assert parsed("exercise1 --config forklab.toml").fail_under == 80
