"""Whatever is wrong with a course is found, with the file and the cure."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.authoring.fault import Fault
from grader.authoring.inspection import exercise_names, inspect, named_diagnoses
from grader.authoring.proof import Proof, Told, prove
from grader.catalog import Course, own_course, using
from grader.cli import main

ROOT = Path(__file__).parents[2]

EXERCISE = Path("exercises/exercise1")
HANDOUT = EXERCISE / "README.md"
METADATA = EXERCISE / "exercise.toml"
STUB = EXERCISE / "stub.py"
CHECKS = EXERCISE / "test_exercise1.py"
ANSWERS = Path("solutions/exercise1")
REFERENCE = ANSWERS / "exercise1.py"
WRONG = ANSWERS / "wrong"
HIDDEN = Path("hidden/exercise1/test_exercise1.py")
TEXT = Path("diagnoses/not-polite.md")

Break = Callable[[Path], object]


def _put(path: Path, content: str = "") -> Break:
    """Write a file."""

    def put(course: Path) -> None:
        (course / path).parent.mkdir(parents=True, exist_ok=True)
        (course / path).write_text(content)

    return put


def _change(path: Path, old: str, new: str) -> Break:
    """Write something else in a file."""

    def change(course: Path) -> None:
        text = (course / path).read_text()
        assert re.search(old, text)
        (course / path).write_text(re.sub(old, new, text))

    return change


def _drop(path: Path) -> Break:
    """Remove a file or a folder."""

    def drop(course: Path) -> None:
        if (course / path).is_dir():
            shutil.rmtree(course / path)
        else:
            (course / path).unlink()

    return drop


def _inspected(course: Course) -> list[Fault]:
    with using(course.folder) as used:
        return inspect(used, exercise_names(used))[1]


# What is done to the course, the file that is named, what is said, and the cure.
SEEN: dict[str, tuple[Break, Path, str, str]] = {
    "no hand-out": (_drop(HANDOUT), HANDOUT, "missing", "write it"),
    "no stub": (_drop(STUB), STUB, "missing", "write it"),
    "no metadata": (_drop(METADATA), METADATA, "missing", "write it"),
    "no checks": (_drop(CHECKS), CHECKS, "missing", "write it"),
    "no answers": (_drop(ANSWERS), ANSWERS, "missing", "put the reference"),
    "no reference": (_drop(REFERENCE), REFERENCE, "missing", "write the reference"),
    "no right answer": (
        _drop(ANSWERS / "right"), ANSWERS / "right", "no answer", "one right answer",
    ),
    "no wrong answer": (_drop(WRONG), WRONG, "no answer", "one wrong answer"),
    "a solution among what students get": (
        _put(EXERCISE / "exercise1.py"), EXERCISE / "exercise1.py",
        "no part of the course", "goes to students",
    ),
    "a stray answer": (
        _put(ANSWERS / "old.py"), ANSWERS / "old.py", "no part", "right/ and wrong/",
    ),
    "a stray file among answers": (
        _put(WRONG / "notes.txt"), WRONG / "notes.txt", "no part", "one file NAME.py",
    ),
    "a stray hidden file": (
        _put(HIDDEN.with_name("data.csv")), HIDDEN.with_name("data.csv"),
        "no part", "one file",
    ),
    "a stray folder of solutions": (
        _put(Path("solutions/exercise7/exercise7.py")), Path("solutions/exercise7"),
        "no part", "make a folder of that name in exercises",
    ),
    "a stray exercise": (
        _put(Path("exercises/exercise-two/README.md")), Path("exercises/exercise-two"),
        "no part", "give it an exercise's name",
    ),
    "a stray text": (
        _put(Path("diagnoses/draft.txt")), Path("diagnoses/draft.txt"),
        "no part", "a file ID.md",
    ),
    "metadata that is no TOML": (
        _put(METADATA, "title"), METADATA, "not valid TOML", "mend it",
    ),
    "a key that is none": (
        _change(METADATA, "title =", "titel ="), METADATA, "'titel'", "mend it",
    ),
    "a limit of nothing": (
        _change(METADATA, "_seconds = 120", "_seconds = 0"), METADATA,
        "above 0", "mend it",
    ),
    "no title": (
        _change(METADATA, 'title = ".*"', 'title = " "'), METADATA,
        "'title' is empty", "write it",
    ),
    "nothing taught": (
        _change(METADATA, r"teaches = \[.*\]", "teaches = []"), METADATA,
        "'teaches' is empty", "give at least one",
    ),
    "no hints": (
        _change(METADATA, r"(?s)hints = \[.*?\n\]", "hints = []"), METADATA,
        "'hints' is empty", "give at least one",
    ),
    "an empty hint": (
        _change(METADATA, r'"Two processes.*"', '""'), METADATA,
        "'hints' 1 is empty", "write it, or take it out",
    ),
    "a hint twice": (
        _change(METADATA, r"(?m)^hints = \[", 'hints = ["Go on.", "Go on.",'), METADATA,
        "'Go on.' 2 times", "something new",
    ),
    "a hand-out without a title": (
        _change(HANDOUT, "# exercise1", "exercise1"), HANDOUT,
        "begins with no title", "begin it with `# `",
    ),
    "a hand-out that names no program": (
        _change(HANDOUT, r"exercise1\.py", "it"), HANDOUT,
        "never names exercise1.py", "the file to write",
    ),
    "a hand-out that does not say how it is graded": (
        _change(HANDOUT, "grade exercise1", "grade it"), HANDOUT,
        "never says `grade exercise1`", "how the program is graded",
    ),
    "a hand-out that names nothing to read": (
        _change(HANDOUT, r"\(\d\)", ""), HANDOUT, "no manual page", "fork(2)",
    ),
    "checks that are no Python": (
        _put(CHECKS, "def ("), CHECKS, "not valid Python", "mend it",
    ),
    "a check that is parametrized": (
        _change(CHECKS, r"@points\(2\)\n", "@mark.parametrize('n', [])\n@points(2)\n"),
        CHECKS, "write a check for each", "mend it",
    ),
    "a check without points": (
        _change(CHECKS, r"@points\(2\)\n", ""), CHECKS, "needs @points(N)", "mend it",
    ),
    "a check of no points": (
        _change(CHECKS, r"@points\(2\)", "@points(0)"), CHECKS, "@points", "mend it",
    ),
    "too many points": (
        _change(CHECKS, r"@points\(3\)", "@points(300)"), CHECKS,
        "606 points together", "100 at most",
    ),
    "a title twice": (
        _change(HIDDEN, "The program .*[.]", "The program forks exactly one child."),
        CHECKS, "2 checks are called", "its own title",
    ),
    "a check's id twice": (
        _change(HIDDEN, "test_is_polite", "test_forks_one_child"), HIDDEN,
        "public check 'forks-one-child' too", "mend it",
    ),
    "a hidden folder without checks": (
        _drop(HIDDEN), HIDDEN, "is missing: hidden checks", "mend it",
    ),
    "a check that names no diagnosis of ours": (
        _change(HIDDEN, '"not-polite"', '"rude"'), HIDDEN,
        "line 11 names the diagnosis 'rude', which has no text", "write diagnoses/rude",
    ),
    "an answer that names none": (
        _change(WRONG / "rude.py", "# diagnosis: not-polite", "# Rude"),
        WRONG / "rude.py", "names no diagnosis", "begin it with `# diagnosis: ID`",
    ),
    "an answer that names one without text": (
        _change(WRONG / "rude.py", "not-polite", "not-polite, gruff"),
        WRONG / "rude.py", "line 1 names the diagnosis 'gruff'", "diagnoses/gruff.md",
    ),
    "an answer that says no misconception": (
        _change(WRONG / "rude.py", "# What goes.*\n", ""), WRONG / "rude.py",
        "second line is no comment", "say the misconception",
    ),
    "a text without a section": (
        _change(TEXT, "## What to do", "## What else"), TEXT,
        "no section `## What to do`", "write it as forklab's own are",
    ),
    "a text of another name": (
        _change(TEXT, "# not-polite", "# polite"), TEXT,
        "first line is not `# not-polite: `", "write it as forklab's own",
    ),
    "a text of a name that forklab has": (
        lambda course: (course / "diagnoses" / "zombie-left.md").write_text(
            (ROOT / "grader/diagnosis/texts/zombie-left.md").read_text()
        ),
        Path("diagnoses/zombie-left.md"),
        "forklab has a diagnosis of that name", "another name",
    ),
}  # fmt: skip


def test_nothing_is_seen_where_nothing_is_wrong(course: Course) -> None:
    """Also beside what Python compiled."""
    (course.folder / EXERCISE / "__pycache__").mkdir(exist_ok=True)
    assert _inspected(course) == []


@pytest.mark.parametrize("fault", SEEN)
def test_what_can_be_seen(course: Course, fault: str) -> None:
    """Without grading anything: this fault, and no other."""
    break_it, path, what, cure = SEEN[fault]
    break_it(course.folder)
    (found,) = _inspected(course)
    assert found.what.startswith(f"{course.folder / path}")
    assert what in found.what
    assert cure in found.cure


def test_diagnoses_are_found_where_findings_are_made() -> None:
    """By each way to make one; what is computed is not guessed at."""
    source = """\
found("one", "m", run)
finding.found(diagnosis="two", message="m", run=run)
assert_that(run).is_(fact, "three", "m")
assert_that(run).is_(fact, diagnosis="four", message="m")
Finding("five", "m")
found(name, "six", run)
print("seven")
"""
    assert [name for _, name in named_diagnoses(source)] == [
        "one", "two", "three", "four", "five",
    ]  # fmt: skip


# --- what shows when answers are graded -----------------------------------------


@contextmanager
def _no_progress(total: int) -> Iterator[Told]:
    assert total > 0
    yield lambda event: None


def _proof(course: Course, times: int = 1) -> Proof:
    with using(course.folder) as used:
        exercises, _ = inspect(used, exercise_names(used))
        return prove(used, exercises, times=times, show_progress=_no_progress)


# Right, wrong, or right only in some of its runs: as the file beside it says.
UNSTEADY = """\
import os
import sys

code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
with open({count!r}, "a") as count:
    count.write("x")
    odd = count.tell() > 30
pid = os.fork()
if pid == 0:
    os._exit(code)
_, status = os.waitpid(pid, 0)
print("the child ended with", -1 if odd else os.waitstatus_to_exitcode(status))
"""

WAITS = "import os\nr, w = os.pipe()\nos.read(r, 1)\n"

SHOWN: dict[str, tuple[Break, Path, str, str]] = {
    "a stub that is no program": (
        _put(STUB, "def ("), STUB, "the stub cannot be run", "Python can run",
    ),
    "a stub that is the answer": (
        lambda course: (course / STUB).write_text(
            (course / REFERENCE).read_text() + "handed_out = True\n"
        ),
        STUB,
        "full marks once a line of it is changed", "do nothing that is asked",
    ),
    "a stub that hangs": (
        _put(STUB, WAITS), STUB, "does not come to its end: deadlock", "and end",
    ),
    "a wrong reference": (
        _change(REFERENCE, r"os\.waitstatus_to_exitcode\(status\)", "status"),
        REFERENCE, "less than full marks in 1 of 1 gradings: output-wrong", "mend",
    ),
    "a wrong answer that is right": (
        lambda course: shutil.copy(course / REFERENCE, course / WRONG / "rude.py"),
        WRONG / "rude.py", "gets full marks", "move it to right/",
    ),
    "another diagnosis": (
        _change(WRONG / "rude.py", "not-polite", "zombie-left, not-polite"),
        WRONG / "rude.py", "is told not-polite and not zombie-left", "mend the answer",
    ),
    "one more diagnosis": (
        _change(WRONG / "rude.py", "os._exit.code.", "os._exit(0)"),
        WRONG / "rude.py", "does not name what it is told: wrong-exit-code",
        "add wrong-exit-code there",
    ),
    "a check that nothing fails": (
        _drop(WRONG / "rude.py"), HIDDEN, "no wrong answer fails the check 'is-polite'",
        "add one that does to solutions/exercise1/wrong",
    ),
    "checks that cannot be imported": (
        _change(HIDDEN, "import Submission,", "import Submissions,"), HIDDEN,
        ("on line 3 the checks could not be run: ImportError: cannot import name "
        "'Submissions'"), "mend it",
    ),
    "a check that fails itself": (
        _change(HIDDEN, r"program\.run\(77\)", "programme.run(77)"), HIDDEN,
        ("on line 9 the check 'is-polite' could not be run: NameError: name "
        "'programme' is not defined"), "mend it",
    ),
    "a check that asserts by itself": (
        _change(HIDDEN, r"run = program.*", "run = 0; assert run"), HIDDEN,
        "on line 9 the check 'is-polite' could not be run: AssertionError",
        "mend it",
    ),
    "a check that gives what is not taken": (
        _change(HIDDEN, r"program\.run\(77\)", "program.run(schedule=7)"), HIDDEN,
        "on line 9 the check 'is-polite' could not be run: AttributeError: 'int'",
        "mend it",
    ),
    "a check of another argument": (
        _change(HIDDEN, r"\(program: Submission\)", "(prog: Submission)"), HIDDEN,
        ("on line 6 the check 'is-polite' could not be run: it takes the argument "
        "'prog', and nothing of that name is there; what a check is given is called "
        "'program'"), "mend it",
    ),
}  # fmt: skip

# With these a wrong answer is missing too, or wrong answers have no verdicts.
ALSO = {"a wrong answer that is right": "no wrong answer fails the check 'is-polite'"}


def test_a_course_in_order_is_proved(course: Course) -> None:
    """Right answers as often as is asked, the others once; all are searched once."""
    proof = _proof(course, times=2)
    assert (proof.faults, proof.failures) == ([], [])
    stubs, right, wrong = 3, 3, 6
    assert proof.graded == stubs + right * 2 + wrong + right + wrong


@pytest.mark.parametrize("fault", SHOWN)
def test_what_grading_shows(course: Course, fault: str) -> None:
    """This fault, and no other but what follows from it."""
    break_it, path, what, cure = SHOWN[fault]
    break_it(course.folder)
    first, *more = _proof(course).faults
    assert first.what.startswith(f"{course.folder / path}: ")
    assert what in first.what
    assert cure in first.cure
    assert all(ALSO.get(fault, "nothing") in fault_.what for fault_ in more)


@pytest.mark.usefixtures("unkept")  # it counts its runs beside them
def test_a_right_answer_that_is_so_only_sometimes(course: Course) -> None:
    """It is graded often enough to see that."""
    count = Path("count").absolute()
    path = course.solutions / "exercise1" / "right" / "unsteady.py"
    path.write_text(UNSTEADY.format(count=str(count)))
    assert _proof(course).faults == []
    count.unlink()
    (fault,) = _proof(course, times=4).faults
    assert fault.what.startswith(f"{path}: ")
    assert re.search(r"less than full marks in \d of 5 gradings", fault.what)


# Wrong where its child runs just after each of nine writes: a search in order does not
# come to that, one at random soon does, and `child_first` at once.
DEEP = """\
# diagnosis: zombie-left
# A reader that is so quick takes care of itself.
import os
import select
import sys

code = int(sys.argv[1]) if len(sys.argv) > 1 else 3
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    for _ in range(9):
        os.read(r, 1)
    os._exit(code)
quick = True
for _ in range(9):
    os.write(w, b"x")
    quick = quick and not select.select([r], [], [], 0)[0]
print("the child ended with", code)
if not quick:
    os.waitpid(pid, 0)
"""


def test_a_right_answer_that_fails_in_some_order(course: Course) -> None:
    """One that grading alone does not come to; it is said how to see it."""
    path = course.solutions / "exercise1" / "right" / "deep.py"
    path.write_text(DEEP)
    (fault,) = _proof(course).faults
    assert fault.what.startswith(f"{path}: it got less than full marks in 1 of 2")
    assert "gradings: zombie-left, the child" in fault.what
    words = re.fullmatch(
        r"see it with `grade (.*)`, then mend the answer.*", fault.cure
    )
    assert words
    assert main(shlex.split(words[1])) == 1


def test_a_wrong_answer_that_no_search_finds(course: Course) -> None:
    """But a schedule that its check names."""
    _change(CHECKS, r"leaves_no_zombie\(\)\n", "leaves_no_zombie(),\n child_first,\n")(
        course.folder
    )
    path = course.solutions / "exercise1" / "wrong" / "deep.py"
    path.write_text(DEEP)
    # Another answer is told other things by that schedule, too.
    (fault,) = [f for f in _proof(course).faults if f.what.startswith(f"{path}: ")]
    assert "without the schedules that checks name it is told" in fault.what
    assert "told nothing: the search that `in_any_order` makes" in fault.what
    assert "fewer processes or steps, so that 12 runs come to it" in fault.cure


# --- the command ----------------------------------------------------------------


def test_the_command_tells_all_faults(
    course: Course, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its cure, and status 1."""
    monkeypatch.setenv("COLUMNS", "100")
    for fault in ("an empty hint", "no right answer", "a stray text"):
        SEEN[fault][0](course.folder)
    SHOWN["another diagnosis"][0](course.folder)
    assert main(["check-course", "course", "--times", "1"]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    for path, cure in (
        ("course/exercises/exercise1/exercise.toml: ", "Write it, or take it out."),
        ("course/solutions/exercise1/right: ", "Write one right answer."),
        ("course/diagnoses/draft.txt: ", "A diagnosis is a file ID.md; move it"),
        ("course/solutions/exercise1/wrong/rude.py: ", "Mend the answer, its first"),
    ):
        assert path in printed
        assert cure in printed
    assert "1 exercise, 17 gradings: 4 faults." in printed


def test_the_command_takes_the_course_of_this_folder(
    course: Course, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says that nothing is wrong, with status 0."""
    monkeypatch.chdir(course.folder)
    assert main(["check-course", "--times", "1"]) == 0
    assert "1 exercise, 21 gradings: no fault." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (
            _change(HIDDEN, "not-polite", "not-polight"),
            "line 11 names the diagnosis 'not-polight', which has no text",
        ),
        (
            _put(Path("diagnoses/not-polite.md"), "# so"),
            "it is no diagnosis: its first",
        ),
    ],
)
def test_what_shows_without_grading_is_told_once(
    course: Course, capsys: pytest.CaptureFixture[str], break_it: Break, said: str
) -> None:
    """Whatever its gradings come to, which are nobody's failure."""
    break_it(course.folder)
    assert main(["check-course", "course", "--times", "1"]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert said in printed
    assert printed.count("\u2717") == 1
    assert "grade doctor" not in printed


def test_who_grades_by_a_check_that_fails_itself(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told which, and where; of a hidden one not what is in it."""
    answer = str(course.folder / REFERENCE)
    _change(CHECKS, r"program\.run\(", "program.walk(")(course.folder)
    assert main(["exercise1", answer, "--course", "course"]) == 3
    printed = capsys.readouterr().out
    assert "'Submission' object has no attribute 'walk'" in " ".join(printed.split())
    assert "grade doctor" not in printed
    assert "`grade check-course`" in " ".join(printed.split())
    _change(CHECKS, r"program\.walk\(", "program.run(")(course.folder)
    _change(HIDDEN, r"program\.run\(", "program.walk(")(course.folder)
    assert main(["exercise1", answer, "--course", "course"]) == 3
    printed = " ".join(capsys.readouterr().out.split())
    assert "line 9; the verdict's JSON says why" in printed
    assert "walk" not in printed


def test_what_the_grader_could_not_do(
    course: Course, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is no fault of the course, and status 3."""

    def fails(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("grader.course.bench.Zygote", fails)
    assert main(["check-course", "course", "--times", "1"]) == 3
    printed = capsys.readouterr().out
    assert "the grader could not grade it" in printed
    assert "grade doctor" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["absent"], "there is no course absent"),
        (["file"], "file is not a folder"),
        (["empty"], "there is no folder exercises in it"),
        (["course/exercises"], "name the folder that exercises/ lies in"),
        (["course", "--exercise", "exercise2"], "no exercise 'exercise2'"),
    ],
)
def test_wrong_usage(
    course: Course, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """One sentence, and status 2."""
    Path("file").touch()
    Path("empty").mkdir()
    assert main(["check-course", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_forklab_without_solutions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is installed: it says what to name instead."""
    monkeypatch.chdir(tmp_path)
    bare = Course(tmp_path / "site-packages")
    monkeypatch.setattr("grader.catalog.own_course", lambda: bare)
    assert main(["check-course"]) == 2
    assert "installed without solutions" in capsys.readouterr().err


def test_forklab_s_own_course_has_no_fault_that_can_be_seen() -> None:
    """CI grades its answers too."""
    names = exercise_names(own_course())
    assert len(names) >= 4
    _, faults = inspect(own_course(), names)
    # But for what whoever works in this checkout tries there, as students do.
    tried = re.compile(r"exercises/exercise\d+/exercise\d+\.py: ")
    assert [str(fault) for fault in faults if not tried.search(fault.what)] == []
    assert "grade check-course" in (ROOT / ".ci" / "run").read_text()
