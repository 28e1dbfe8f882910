"""The words of ``grade``, their outcomes, and their exit statuses."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grader.cli import main
from grader.doctor import examine
from tests.conftest import heed_interrupts

ROOT = Path(__file__).parents[2]
SOLUTIONS = ROOT / "solutions"
GRADE = [sys.executable, "-m", "grader"]


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of the test's own, in a folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


def test_full_marks(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0, the verdict as JSON and JUnit, and the next step."""
    path = SOLUTIONS / "exercise1"
    assert main(["exercise1", str(path), "--json", "v.json", "--junit", "v.xml"]) == 0
    printed = capsys.readouterr().out
    assert "Score: 10 of 10" in printed
    assert "`grade exercise2`" in printed
    verdict = json.loads(Path("v.json").read_text())
    assert verdict["schema"] == 1
    assert (verdict["score"], verdict["max_score"]) == (10, 10)
    assert verdict["outcome"] == "full"
    assert verdict["submission"] == str(path / "exercise1.py")
    assert 'failures="0"' in Path("v.xml").read_text()


def test_not_full_marks(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1; what happened, why it is wrong, what to read, and the story."""
    path = SOLUTIONS / "exercise1" / "wrong" / "sleeps_instead_of_waiting.py"
    assert main(["exercise1", str(path)]) == 1
    printed = capsys.readouterr().out
    for part in (
        "zombie-left (line ",
        "Why: ",
        "Read: wait(2)",
        "What the processes did",
        "forks",
        "was never collected",
        "Score: 8 of 10",
        "`grade explain zombie-left`",
    ):
        assert part in printed


def test_zero_points_are_written_too() -> None:
    """The file is there whenever the submission could be judged."""
    Path("exercise1.py").write_text("")
    assert main(["exercise1", "--json", "v.json"]) == 1
    verdict = json.loads(Path("v.json").read_text())
    assert verdict["outcome"] == "none"
    assert {check["outcome"] for check in verdict["checks"]} == {"not-run"}
    assert {c["findings"][0]["id"] for c in verdict["checks"]} == {"cannot-load"}


def test_one_check_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """By its name; any other name is wrong usage, with the names that there are."""
    path = str(SOLUTIONS / "exercise1")
    assert main(["exercise1", path, "--check", "forks-one-child"]) == 0
    assert "Score: 2 of 2" in capsys.readouterr().out
    assert main(["exercise1", path, "--check", "forks"]) == 2
    assert "forks-one-child" in capsys.readouterr().err


def test_verbose_shows_all_events(capsys: pytest.CaptureFixture[str]) -> None:
    """Also those that the story leaves out."""
    path = str(SOLUTIONS / "exercise4" / "wrong" / "one_wait_per_signal.py")
    check = ["--check", "children-end-together"]
    main(["exercise4", path, *check])
    short = capsys.readouterr().out
    main(["exercise4", path, *check, "--verbose"])
    assert "more lines; --verbose" in short
    assert "more lines" not in capsys.readouterr().out


@pytest.mark.parametrize("option", [[], ["--verbose"]])
def test_a_picture_instead_of_the_story(
    capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    """Of the run that failed, with whom to look at first; in 80 cells."""
    path = str(SOLUTIONS / "exercise2" / "wrong" / "parent_keeps_write_end.py")
    check = ["--check", "unused-ends-are-closed"]
    assert main(["exercise2", path, *check, "--picture", *option]) == 1
    shown = capsys.readouterr().out
    assert "bytes through a pipe" in shown
    assert "still holds the write end of the pipe" in shown
    assert "is a zombie\n" not in shown  # as the story says it
    assert max(map(len, shown.splitlines())) <= 80


def test_where_a_submission_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    """In this folder, in its exercises/, in a folder named, or as a file."""
    source = (SOLUTIONS / "exercise1" / "exercise1.py").read_text()
    nested = Path("exercises/exercise1/exercise1.py")
    nested.parent.mkdir(parents=True)
    nested.write_text(source)
    check = ["--check", "forks-one-child"]
    assert main(["exercise1", *check]) == 0
    assert str(nested) in capsys.readouterr().out
    assert main(["exercise1", "exercises", *check]) == 0
    Path("exercise1.py").write_text("")
    assert main(["exercise1", *check]) == 1
    Path("mine.txt").write_text(source)
    assert main(["exercise1", "mine.txt", *check]) == 0


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("class", "there is no exercise1.py in class; `grade course class --out "),
        ("class.zip", "class.zip is an archive, not one file to grade; `grade course "),
        ("absent.py", "absent.py does not exist; name the file or the folder to grade"),
        ("class.zip/x", "class.zip/x does not exist"),
        ("lost.py", "lost.py does not exist"),
        ("x" * 300, "cannot be read: File name too long"),
    ],
)
def test_what_is_no_one_persons_work(
    capsys: pytest.CaptureFixture[str], path: str, said: str
) -> None:
    """It is wrong usage, not 0 points; a folder with the file in it is graded."""
    Path("class/ada").mkdir(parents=True)
    Path("class/ada/exercise1.py").write_text("")
    Path("class.zip").write_bytes(b"PK")
    Path("lost.py").symlink_to("nowhere")
    assert main(["exercise1", path, "--json", "v.json"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not Path("v.json").exists()
    assert main(["exercise1", "class/ada"]) == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("class", "there is none of exercise1.py, exercise2.py"),
        ("class", " in class; `grade course class --out RESULTS` grades what many"),
        ("empty", " in empty; "),
        ("absent", "absent is not a folder; `grade all` takes the one with all"),
    ],
)
def test_what_is_no_one_persons_folder(
    capsys: pytest.CaptureFixture[str], path: str, said: str
) -> None:
    """For all exercises, too."""
    Path("class/ada").mkdir(parents=True)
    Path("class/ada/exercise1.py").write_text("")
    Path("empty").mkdir()
    assert main(["all", path, "--json", "v.json"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not Path("v.json").exists()


def test_nothing_is_named_and_nothing_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Work that was not done earns no points: a job of CI grades what was pushed."""
    assert main(["exercise1", "--json", "v.json"]) == 1
    assert "exercise1.py does not exist; write it" in capsys.readouterr().out
    assert json.loads(Path("v.json").read_text())["outcome"] == "none"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exercise9"], "no exercise 'exercise9'; there are exercise1, exercise2, "),
        (["hint", "9"], "no exercise '9'; there are exercise1, exercise2, "),
        (["hint", "2"], "no exercise '2'; did you mean exercise2?"),
        (["hint", "Exercise03"], "'Exercise03'; did you mean exercise3?"),
        (["hint", "exercis1"], "did you mean exercise1?"),
        (["exercise1x"], "no exercise 'exercise1x'; did you mean exercise1?"),
        (["lst"], "did you mean `grade list`?"),
        (["zzz"], "no command 'zzz'"),
        (["explain", "zombie"], "did you mean zombie-left?"),
        (["hint", "exercise"], "no exercise 'exercise'"),
        (["trace", "./absent"], "no program './absent'"),
        (["trace", "--schedule", "y", "true"], "no schedule 'y'; there are take_turns"),
        (["exercise1", "--json", "absent/v.json"], "folder absent does not exist"),
        (["all", "absent"], "is not a folder"),
        (["start", "/proc/forklab"], "/proc/forklab cannot be written: No such file"),
    ],
)
def test_wrong_usage(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """One sentence that says what to do, and status 2."""
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("grade: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--due", ""], "'' lacks a date; write one like 2026-10-01T23:59"),
        (["--due", "exercise1="], "'exercise1=' lacks a date; write one like"),
        (["--due", "=2026-10-01"], "'=2026-10-01' lacks a name; write one like"),
        (
            ["--due", "exercise1=2026-10-01", "--due", "exercise1=2026-10-02"],
            "--due is given twice for exercise1; leave one out",
        ),
        (
            ["--due", "2026-10-01", "--due", "2026-10-02"],
            "--due is given twice for all exercises; leave one out",
        ),
        (["--jobs", "0"], "'0' is not a number from 1 on"),
        (["--jobs", "-1"], "'-1' is not a number from 1 on"),
        (["--jobs=x"], "'x' is not a number from 1 on"),
    ],
)
def test_wrong_values_for_a_course(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """One sentence with the value, and no folder is made."""
    Path("class/ada").mkdir(parents=True)
    Path("class/ada/exercise1.py").write_text("")
    try:
        status = main(["course", "class", "--out", "r", *words])
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not Path("r").exists()


def test_no_words_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    """The help, and status 2."""
    assert main([]) == 2
    assert "examples:" in capsys.readouterr().err


def test_list_and_explain(capsys: pytest.CaptureFixture[str]) -> None:
    """The exercises; the diagnoses; one diagnosis."""
    assert main(["list"]) == 0
    assert "exercise4" in capsys.readouterr().out
    assert main(["explain"]) == 0
    assert "signals-merged: " in capsys.readouterr().out
    assert main(["explain", "signals-merged"]) == 0
    printed = capsys.readouterr().out
    assert "What to do" in printed
    assert "signal(7)" in printed


def test_hints_come_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    """From mild to strong; the last one stays; --again begins anew."""
    seen = []
    for _ in range(6):
        assert main(["hint", "exercise1"]) == 0
        seen.append(capsys.readouterr().out.splitlines()[0])
    assert seen == [*(f"Hint {n} of 5" for n in range(1, 6)), "Hint 5 of 5"]
    assert main(["hint", "exercise1", "--again"]) == 0
    assert capsys.readouterr().out.startswith("Hint 1 of 5")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"exercise1": "x"}'])
def test_a_broken_state_costs_no_hint(
    capsys: pytest.CaptureFixture[str], content: str
) -> None:
    """It begins anew."""
    state = Path(os.environ["XDG_STATE_HOME"], "forklab", "hints.json")
    state.parent.mkdir(parents=True)
    state.write_text(content)
    assert main(["hint", "exercise1"]) == 0
    assert capsys.readouterr().out.startswith("Hint 1 of 5")


def test_start_never_overwrites(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither work, nor a link that leads nowhere."""
    mine = Path("exercises/exercise1/exercise1.py")
    mine.parent.mkdir(parents=True)
    mine.write_text("my work")
    link = Path("exercises/exercise2/exercise2.py")
    link.parent.mkdir(parents=True)
    link.symlink_to("nowhere")
    assert main(["start"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert mine.read_text() == "my work"
    assert link.is_symlink()
    assert f"{mine} was there already" in printed
    assert Path("exercises/exercise4/README.md").is_file()
    assert main(["start"]) == 0
    assert main(["exercise3"]) == 1  # the stub
    assert "still the stub" in capsys.readouterr().out


def test_all_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    """One line an exercise; a list of verdicts as JSON."""
    for name in ("exercise1", "exercise2"):
        Path(f"{name}.py").write_text((SOLUTIONS / name / f"{name}.py").read_text())
    assert main(["all", "--json", "v.json"]) == 1
    printed = capsys.readouterr().out
    assert "Sum: 20 of 40" in printed
    verdicts = json.loads(Path("v.json").read_text())["verdicts"]
    assert [v["outcome"] for v in verdicts] == ["full", "full", "none", "none"]


def test_trace_any_program(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that is not Python, its arguments, and the JSON of its recording."""
    words = ["sh", "-c", "true | cat; exit 3"]
    assert main(["trace", "--json", "r.json", *words]) == 0
    assert "becomes" in capsys.readouterr().out
    data = json.loads(Path("r.json").read_text())
    assert data["program"] == words
    assert data["processes"][0]["exit_code"] == 3
    assert data["findings"] == []
    assert {"event", "index", "time", "pid"} <= set(data["events"][0])


def test_trace_tells_what_needs_no_exercise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Zombies, deadlock, busy waiting; status 1."""
    Path("zombie.py").write_text(
        "import os, time\nif os.fork() == 0: os._exit(0)\ntime.sleep(9)\n"
    )
    assert main(["trace", "zombie.py"]) == 1
    assert "zombie-left (line 2): " in capsys.readouterr().out


PROGRAMS = Path(__file__).parents[1] / "exploring" / "programs"


def test_explore_and_see_again(capsys: pytest.CaptureFixture[str]) -> None:
    """The code that a search tells brings about what it found."""
    program = str(PROGRAMS / "lost_wakeup.py")
    assert main(["trace", "--explore", "50", "--json", "r.json", program]) == 1
    output = " ".join(capsys.readouterr().out.split())
    told = json.loads(Path("r.json").read_text())
    assert "(line 22: `signal.pause()`)" in told["steps"][-1]
    assert 22 in [event["line"] for event in told["events"]]
    code = told["schedule"]
    assert f"To see it again: grade trace --schedule {code} {program}" in output
    assert "waits for ever for a signal" in output
    assert main(["trace", "--schedule", code, program]) == 1
    again = " ".join(capsys.readouterr().out.split())
    assert "waits for ever for a signal" in again
    assert main(["trace", program]) == 0


def test_explore_a_right_program(capsys: pytest.CaptureFixture[str]) -> None:
    """It is said how much was looked at."""
    program = str(PROGRAMS / "one_pipe.py")
    assert main(["trace", "--explore", "200", program]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "in all 14 interleavings with at most 2 preemptions, but for" in output
    assert main(["trace", "--explore", "3", program]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "in 3 runs: all interleavings without preemption, but for" in output
    assert "and some of those with more. The story is that of the first." in output


def test_explore_for_so_many_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """The first run is made in any case."""
    program = str(PROGRAMS / "one_pipe.py")
    assert main(["trace", "--explore", "200", "--seconds", "1e-9", program]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "in 1 run: all interleavings without preemption, but for" in output
    with pytest.raises(SystemExit, match="2"):
        main(["trace", "--explore", "2", "--seconds", "0", program])
    assert "'0' is not a number above 0" in capsys.readouterr().err


def test_a_code_of_another_program(capsys: pytest.CaptureFixture[str]) -> None:
    """It is not followed half way, nor is one whose choices come after the end."""
    program = str(PROGRAMS / "one_pipe.py")
    for code in ("x2z", "x99999z", "x1a-99999b"):
        assert main(["trace", "--schedule", code, program]) == 2
        told = capsys.readouterr().err
        assert f"{code} is the schedule of another program" in told
        assert "search again with --explore" in told


def test_trace_ends_the_input(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that reads its input sees the end of it."""
    assert main(["trace", "cat"]) == 0
    assert main(["trace", "--redirected", "cat"]) == 0


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    """A known pass and a known fail; a machine that runs these tests can grade."""
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "one that must fail failed" in printed
    assert "This machine can grade." in printed


def test_doctor_where_lines_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, with the cure; grading works without them."""
    monkeypatch.setattr("grader.tracing.lines.layout", lambda: None)
    (told,) = [probe for probe in examine() if "its lines" in probe.what]
    assert told.ok is None
    assert "Python 3.11, 3.12 or 3.13" in told.cure


def test_ctrl_c_is_not_forgotten_where_python_drops_it() -> None:
    """What a handler raises inside a callback of Python's own goes nowhere."""
    program = (
        "import signal, weakref\n"
        "from grader import ending\n"
        "ending.listen()\n"
        "class Lock: pass\n"
        "lock = Lock()\n"
        "gone = weakref.ref(lock, lambda _: signal.raise_signal(signal.SIGINT))\n"
        "del lock\n"
        "print('dropped')\n"
        "try:\n"
        "    ending.check()\n"
        "except KeyboardInterrupt:\n"
        "    print('remembered')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        preexec_fn=heed_interrupts,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "dropped\nremembered\n"
    assert done.stderr == ""


def test_ctrl_c_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    """Status 130, one sentence, and no process of it."""
    Path("exercise1.py").write_text("n = 0\nwhile True: n += 1\n")
    process = subprocess.Popen(
        [*GRADE, "exercise1", "--json", "v.json"],
        cwd=Path.cwd(),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while len(children.read_text().split()) < 2:
        assert process.poll() is None
        os.sched_yield()  # it has not begun yet
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == b"grade: interrupted; nothing was left running\n"
    assert not Path("v.json").exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_colours_and_progress_on_a_terminal_only() -> None:
    """A terminal gets both, a pipe neither."""
    words = [*GRADE, "exercise1", str(SOLUTIONS / "exercise1")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    plain = subprocess.run(words, env=environment, capture_output=True, check=True)
    assert b"\x1b" not in plain.stdout
    assert plain.stderr == b""
    coloured = _on_a_terminal(words, environment)
    assert b"\x1b[" in coloured
    assert b"The program forks exactly one child" in coloured
    quiet = _on_a_terminal(words, {**environment, "NO_COLOR": "1"})
    assert b"\x1b[32m" not in quiet


def _on_a_terminal(words: list[str], environment: dict[str, str]) -> bytes:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        words, env=environment, stdout=theirs, stderr=theirs, stdin=theirs
    )
    os.close(theirs)
    data = b""
    try:
        while more := os.read(ours, 1 << 16):
            data += more
    except OSError:  # EIO: everybody has closed it
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return data


def test_a_reader_that_goes_away_is_no_error() -> None:
    """``grade explain | head -1``."""
    done = subprocess.run(
        f"{sys.executable} -m grader explain | head -1",
        shell=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_enough_points_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """--fail-under changes the exit status, and nothing else."""
    path = SOLUTIONS / "exercise1" / "wrong" / "sleeps_instead_of_waiting.py"
    for percent, status in (("80", 0), ("80.1", 1)):
        assert main(["exercise1", str(path), "--fail-under", percent]) == status
        assert "Score: 8 of 10" in capsys.readouterr().out
    for wrong in ("101", "-1", "nan", "half"):
        with pytest.raises(SystemExit) as ended:
            main(["exercise1", str(path), "--fail-under", wrong])
        assert ended.value.code == 2
        assert "is not a number from 0 to 100" in capsys.readouterr().err


def test_formats_for_courses_and_ci(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files for Gradescope and Exercism; for GitHub, commands around inert text."""
    path = tmp_path / "exercise1.py"
    path.write_text("print('\\\\n::error::forged')\nraise SystemExit(3)\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("before\n")
    options = ["--gradescope", str(tmp_path / "g.json"), "--github"]
    options += ["--exercism", str(tmp_path / "e.json")]
    assert main(["exercise1", str(path), *options]) == 1
    lines = capsys.readouterr().out.splitlines()
    word = lines[0].removeprefix("::stop-commands::")
    end = lines.index(f"::{word}::")
    assert len(lines) > end + 1
    assert all(line.startswith("::error file=") for line in lines[end + 1 :])
    assert (tmp_path / "summary.md").read_text().startswith("before\n## exercise1: 0")
    assert json.loads((tmp_path / "g.json").read_text())["score"] == 0
    assert json.loads((tmp_path / "e.json").read_text())["status"] == "fail"
