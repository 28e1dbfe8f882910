"""Grading a course: every result is there once, whatever happens meanwhile."""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.catalog import Exercise, find, open_course
from grader.cli import main
from grader.course import bench
from grader.course.class_list import Unreadable, read_class
from grader.course.grading import Began, Done, grade_all, tasks_of
from grader.course.handed_in import Attempt, NotGraded, marked_late
from grader.course.results import Results, folder_name, key_of
from grader.errors import GraderError, UsageError
from grader.session import grade
from grader.usage import GRADER_FAILED, WRONG_USAGE
from grader.verdict import Outcome, Verdict
from tests.conftest import heed_interrupts

ROOT = Path(__file__).parents[2]
RIGHT = (ROOT / "solutions" / "exercise1" / "exercise1.py").read_bytes()
WRONG = (
    ROOT / "solutions" / "exercise1" / "wrong" / "sleeps_instead_of_waiting.py"
).read_bytes()
EXERCISES = {"exercise1": find("exercise1")}
CORE = min(os.sched_getaffinity(0))


def _attempts(**sources: bytes) -> list[Attempt]:
    return [
        Attempt(student, "exercise1", f"{student}/exercise1.py", source)
        for student, source in sources.items()
    ]


def _scores(results: Results) -> dict[str, int]:
    return {result.student: result.verdict.score for result in results.verdicts()}


def test_only_what_changed_is_graded_again(tmp_path: Path) -> None:
    """By the program's content; and all of it, if that is asked for."""
    results = Results(tmp_path)
    attempts = _attempts(ada=RIGHT, bob=WRONG, eve=b"print(")
    tasks = tasks_of(attempts, EXERCISES, results)
    events: list[Began | Done] = []
    assert grade_all(tasks, results, cores=[CORE, CORE], progress=events.append) == 0
    assert _scores(results) == {"ada": 10, "bob": 8, "eve": 0}
    assert sum(isinstance(event, Began) for event in events) == 3
    assert sum(isinstance(event, Done) for event in events) == 3
    assert tasks_of(attempts, EXERCISES, results) == []
    assert len(tasks_of(attempts, EXERCISES, results, again=True)) == 3
    moved = replace(attempts[0], file="ada/pipes/exercise1.py", late=True)
    assert tasks_of([moved], EXERCISES, results) == []
    known = results.find("ada", "exercise1")
    assert known is not None
    assert (known.file, known.late) == (moved.file, True)
    assert known.verdict.submission == moved.file
    changed = [attempts[0], replace(attempts[1], source=RIGHT), attempts[2]]
    (task,) = tasks_of(changed, EXERCISES, results)
    assert task.attempt.student == "bob"
    assert grade_all([task], results, cores=[CORE]) == 0
    assert _scores(results)["bob"] == 10


def test_what_a_result_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program, the exercise's limits and checks, Python; not whose it is."""
    (ada,), (bob,) = _attempts(ada=RIGHT), _attempts(bob=RIGHT)
    exercise = EXERCISES["exercise1"]
    assert key_of(ada, exercise) == key_of(bob, exercise)
    assert key_of(replace(ada, source=WRONG), exercise) != key_of(ada, exercise)
    limits = replace(exercise.limits, processes=3)
    assert key_of(ada, replace(exercise, limits=limits)) != key_of(ada, exercise)
    before = key_of(ada, exercise)
    monkeypatch.setattr(platform, "python_version", lambda: "3.0.1")
    assert key_of(ada, exercise) != before


def test_a_result_of_another_version_is_not_trusted(tmp_path: Path) -> None:
    """Nor one that is cut off: it is graded again."""
    results = Results(tmp_path)
    tasks = tasks_of(_attempts(ada=WRONG), EXERCISES, results)
    grade_all(tasks, results, cores=[CORE])
    (file,) = tmp_path.glob("verdicts/*/*.json")
    whole = file.read_text()
    for damaged in (whole[:100], "{}", "", whole.replace('"schema": 1', '"schema": 9')):
        file.write_text(damaged)
        assert len(tasks_of(_attempts(ada=WRONG), EXERCISES, results)) == 1


def test_what_the_grader_could_not_do_is_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried once more, is no verdict, and the others are graded."""
    tried = tmp_path / "tried"

    def fails(exercise: Exercise, program: Path, **options: object) -> Verdict:
        verdict = grade(exercise, program, **options)  # type: ignore[arg-type]
        if options["source"] != WRONG:
            return verdict
        with open(tried, "a") as file:
            file.write("x")
        return replace(verdict, error="no memory")

    monkeypatch.setattr(bench, "grade", fails)
    results = Results(tmp_path / "results")
    attempts = _attempts(ada=RIGHT, bob=WRONG)
    tasks = tasks_of(attempts, EXERCISES, results)
    assert grade_all(tasks, results, cores=[CORE]) == 1
    assert tried.read_text() == "xx"
    assert _scores(results) == {"ada": 10}
    (failed,) = results.failed()
    assert failed.verdict.outcome is Outcome.GRADER_ERROR
    monkeypatch.undo()
    assert grade_all(tasks_of(attempts, EXERCISES, results), results, cores=[CORE]) == 0
    assert _scores(results) == {"ada": 10, "bob": 8}
    assert list(results.failed()) == []

    monkeypatch.setattr(bench, "grade", fails)
    tasks = tasks_of(attempts, EXERCISES, results, again=True)
    assert grade_all(tasks, results, cores=[CORE]) == 1
    monkeypatch.undo()
    (task,) = tasks_of(attempts, EXERCISES, results)
    assert task.attempt.student == "bob"
    assert grade_all([task], results, cores=[CORE]) == 0
    assert list(results.failed()) == []
    assert tasks_of(attempts, EXERCISES, results) == []


def test_a_grader_that_dies_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had is tried once more; what kills it twice is a failure."""

    def dies(exercise: Exercise, program: Path, **options: object) -> Verdict:
        once = tmp_path / "once"
        if options["source"] == WRONG and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if options["source"] == b"print(":
            os._exit(3)
        return grade(exercise, program, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(bench, "grade", dies)
    results = Results(tmp_path / "results")
    attempts = _attempts(ada=RIGHT, bob=WRONG, eve=b"print(")
    tasks = tasks_of(attempts, EXERCISES, results)
    assert grade_all(tasks, results, cores=[CORE, CORE]) == 1
    assert _scores(results) == {"ada": 10, "bob": 8}
    (failed,) = results.failed()
    assert (failed.student, failed.verdict.outcome) == ("eve", Outcome.GRADER_ERROR)


def test_more_jobs_than_there_is_to_do(tmp_path: Path, handed: Path) -> None:
    """Ask for as many as you like."""
    jobs = ("--jobs", "1000000000")
    with _course(handed, tmp_path / "out", ROOT, *jobs) as course:
        output, _ = course.communicate(timeout=300)
    assert "Graded 6, unchanged 0" in output


def test_workers_of_exercises_that_are_not_asked_for_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And get ready once more when they are."""
    monkeypatch.setattr(bench, "_WORKERS", 1)
    exercises = {name: find(name) for name in ("exercise1", "exercise2")}
    before = set(os.listdir("/proc/self/fd"))
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    others = listed.read_text().split()
    with bench.Bench(None) as place:
        for name in ("exercise1", "exercise2", "exercise1"):
            attempt = Attempt("ada", name, f"{name}.py", RIGHT)
            assert place.grade(attempt, exercises[name]).error == ""
            children = set(listed.read_text().split()) - {*others}
            assert len(children) == 2  # a zygote and a worker
    assert set(os.listdir("/proc/self/fd")) == before


REMOVES_ALL = b"""\
import glob, os, shutil
for folder in glob.glob(os.path.join(ROOT, "forklab-*")):
    shutil.rmtree(folder, ignore_errors=True)
"""


@pytest.mark.usefixtures("unkept")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_submission_that_removes_the_grader_s_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    """All of them, as far up as they go: the rest is graded, now and next time."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    removes = REMOVES_ALL.replace(b"ROOT", repr(str(scratch)).encode())
    results = Results(tmp_path / "results")
    results.make()
    attempts = _attempts(ada=removes, bob=RIGHT, eve=removes + RIGHT, joe=WRONG)
    for again in (False, True):
        tasks = tasks_of(attempts, EXERCISES, results, again=again)
        grade_all(tasks, results, cores=[CORE] * jobs)
        scores = _scores(results)
        assert (scores["bob"], scores["joe"]) == (10, 8)
        assert scores.get("ada", 0) == 0
    assert list(scratch.iterdir()) == []


def test_what_went_wrong_in_a_grader_s_process_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its last line, which says what it was."""

    def raises(exercise: Exercise, program: Path, **options: object) -> Verdict:
        raise KeyError("no such thing")

    monkeypatch.setattr(bench, "grade", raises)
    results = Results(tmp_path)
    tasks = tasks_of(_attempts(ada=RIGHT), EXERCISES, results)
    assert grade_all(tasks, results, cores=[CORE]) == 1
    (failed,) = results.failed()
    assert failed.verdict.error == (
        "the grader's own process: KeyError: 'no such thing'"
    )


def test_a_stub_that_is_no_program(tmp_path: Path) -> None:
    """The grader's failure of each submission, and it says what to mend."""
    folder = tmp_path / "exercises" / "exercise1"
    shutil.copytree(EXERCISES["exercise1"].folder, folder)
    (folder / "stub.py").write_text("def (")
    exercises = {"exercise1": open_course(tmp_path).read("exercise1")}
    results = Results(tmp_path / "results")
    tasks = tasks_of(_attempts(ada=RIGHT), exercises, results)
    assert grade_all(tasks, results, cores=[CORE]) == 1
    (failed,) = results.failed()
    assert "stub.py is not valid Python: invalid syntax" in failed.verdict.error
    assert "mend it" in failed.verdict.error


@given(st.text(), st.text())
def test_folders_of_students(one: str, other: str) -> None:
    """Each has one, below the results, whatever somebody is called."""
    for student in (one, other):
        name = folder_name(student)
        assert name not in ("", ".", "..")
        assert not name.startswith(".")
        assert "/" not in name
        assert "\0" not in name
        assert len(os.fsencode(name)) <= 255
    assert (folder_name(one) == folder_name(other)) is (one == other)


def test_names_that_are_too_long_stay_apart() -> None:
    """They are cut, and what was cut is not forgotten."""
    assert folder_name("x" * 900 + "a") != folder_name("x" * 900 + "b")
    assert len(folder_name("é" * 900)) <= 255


def test_results_that_cannot_be_written(tmp_path: Path) -> None:
    """One sentence, before any work is done."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made"):
        Results(tmp_path / "file" / "results").make()


@pytest.fixture
def handed(tmp_path: Path) -> Iterator[Path]:
    """A class of six."""
    folder = tmp_path / "handed-in"
    for number, source in enumerate([RIGHT, WRONG, b"print("] * 2):
        place = folder / f"student-{number}"
        place.mkdir(parents=True)
        (place / "exercise1.py").write_bytes(source)
    yield folder


def _course(
    handed: Path, out: Path, folder: Path = ROOT, *options: str
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "grader", "course", str(handed), "--out", str(out)]
    command += options
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        preexec_fn=heed_interrupts,
    )


def _without_pids(out: Path) -> dict[str, str]:
    """All results but for their stories, whose columns are as wide as the pids."""
    found = {}
    for result in Results(out).verdicts():
        data = result.as_json()
        for check in data["verdict"]["checks"]:
            for finding in check["findings"]:
                del finding["timeline"], finding["steps"]
        found[result.student] = re.sub(r"\d{3,}", "PID", json.dumps(data))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_and_resumed(tmp_path: Path, handed: Path, number: int) -> None:
    """The results are those of one that was left alone."""
    undisturbed, disturbed = tmp_path / "one", tmp_path / "two"
    with _course(handed, undisturbed) as course:
        assert course.wait() == 0
    with _course(handed, disturbed) as course:
        while not list(disturbed.glob("verdicts/*/*.json")):
            assert course.poll() is None
        course.send_signal(number)
        _, errors = course.communicate()
    if number == signal.SIGINT:
        assert f"kept in {disturbed}; the same command goes on\n" in errors
    with _course(handed, disturbed) as course:
        output, _ = course.communicate()
        assert course.returncode == 0
    assert "2 of 6 have full marks" in output
    assert _without_pids(disturbed) == _without_pids(undisturbed)


def test_two_in_one_folder(
    tmp_path: Path, handed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one is told to wait; once the first has ended it goes on."""
    out = tmp_path / "out"
    results = Results(out)
    results.make()
    theirs, ours = os.pipe()
    first = os.fork()
    if first == 0:
        with results.alone():
            os.write(ours, b"!")
            signal.pause()
    try:
        os.read(theirs, 1)
        command = ["course", str(handed), "--out", str(out)]
        assert main(command) == WRONG_USAGE
        assert capsys.readouterr().err == (
            f"grade: another `grade course` is writing to {out}; wait until it has "
            "ended, or name another folder\n"
        )
        assert list(results.verdicts()) == []
    finally:
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
        os.close(theirs)
        os.close(ours)
    with results.alone():
        pass


ODD_LOCKS: dict[str, Callable[[Path], None]] = {
    "folder": Path.mkdir,
    "FIFO": os.mkfifo,
    "link": lambda path: path.symlink_to(path.parent / "precious"),
}


@pytest.mark.parametrize("kind", ODD_LOCKS)
def test_a_lock_that_is_no_file(
    tmp_path: Path, handed: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told, and what it leads to stays as it is."""
    out = tmp_path / "out"
    Results(out).make()
    (out / "precious").write_text("text")
    ODD_LOCKS[kind](out / ".lock")
    assert main(["course", str(handed), "--out", str(out)]) == WRONG_USAGE
    told = capsys.readouterr().err
    assert told.startswith(f"grade: {out}/.lock ")
    assert told.endswith("name another folder\n")
    assert told.count("\n") == 1
    assert (out / "precious").read_text() == "text"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_nothing_can_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Some file systems have no locks: what that means is told, and work goes on."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.lockf", refuse)
    results = Results(tmp_path)
    results.make()
    with results.alone() as warning:
        assert warning.startswith(f"{tmp_path} lies where files cannot be locked; see")


def test_results_that_are_removed_meanwhile(tmp_path: Path) -> None:
    """Whoever wrote them is not told that they are there."""
    results = Results(tmp_path / "out")
    results.make()
    with (
        pytest.raises(GraderError, match="was removed or moved while"),
        results.alone(),
    ):
        shutil.rmtree(results.folder)
        results.make()
    with pytest.raises(KeyboardInterrupt), results.alone():
        shutil.rmtree(results.folder)
        raise KeyboardInterrupt


def test_a_result_that_cannot_be_written(tmp_path: Path, handed: Path) -> None:
    """It is told in a sentence, and the others are there."""
    out = tmp_path / "out"
    results = Results(out)
    results.make()
    (out / "verdicts" / "student-1").touch()
    with _course(handed, out) as course:
        output, errors = course.communicate()
        assert (course.returncode, errors) == (3, "")
    told = " ".join(output.split())
    assert "could not do its work on exercise1 of student-1: the grader" in told
    assert "own process: /" in told
    assert "Error:" not in told
    assert len(list(results.verdicts())) == 5
    (failed,) = results.failed()
    assert failed.student == "student-1"


def test_what_a_killed_one_had_begun_to_write_is_removed(tmp_path: Path) -> None:
    """No other is writing there."""
    results = Results(tmp_path)
    results.make()
    unfinished = [
        tmp_path / ".class.json.0123abcd.part",
        tmp_path / "verdicts" / "ada" / ".exercise1.json.0123abcd.part",
        tmp_path / "failed" / "ada" / ".exercise1.json.0123abcd.part",
    ]
    for path in unfinished:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    with results.alone():
        assert not any(path.exists() for path in unfinished)


def test_the_command(tmp_path: Path, handed: Path) -> None:
    """Wrong usage is told; a result holds what its verdict's page says."""
    with _course(handed / "absent", tmp_path / "out") as course:
        _, errors = course.communicate()
        assert course.returncode == 2
    assert "does not exist; name the folder of all submissions" in errors
    with _course(Path(handed.name), Path("out"), tmp_path) as course:
        output, _ = course.communicate()
    assert "most often: " in output
    assert "Graded 6, unchanged 0" in output
    file = tmp_path / "out" / "verdicts" / "student-1" / "exercise1.json"
    data = json.loads(file.read_text())
    assert data["student"] == "student-1"
    assert data["verdict"]["submission"] == "student-1/exercise1.py"
    assert data["verdict"]["score"] == 8


def test_a_gradebook_of_the_results(tmp_path: Path, handed: Path) -> None:
    """From the command: what came after it was due loses its part."""
    out = tmp_path / "out"
    options = ["--due", "exercise1=2001-01-01T00:00"]
    grade = [sys.executable, "-m", "grader"]
    run = subprocess.run(
        [*grade, "course", str(handed), "--out", str(out), *options], check=False
    )
    assert run.returncode == 0
    assert all(result.late for result in Results(out).verdicts())
    book = [*grade, "gradebook", str(out), "--late", "50", "--weight", "exercise1=4"]
    done = subprocess.run(book, capture_output=True, text=True, check=True)
    first, second, *_ = done.stdout.splitlines()
    assert first == '"student","name","exercise1","sum"'
    assert second == '"student-0","","2.00","2.00"'
    for wrong in (["--weight", "exercise9=1"], ["--canvas", "absent.csv"]):
        failed = subprocess.run([*book, *wrong], capture_output=True, check=False)
        assert failed.returncode == 2
    empty = subprocess.run(
        [*grade, "gradebook", str(tmp_path)], capture_output=True, check=False
    )
    assert empty.returncode == 2
    assert b"there are no verdicts in" in empty.stderr


def _graded(handed: Path, out: Path, *words: str) -> str:
    """What `grade course` says on standard error."""
    command = [sys.executable, "-m", "grader", "course", str(handed), "--out", str(out)]
    done = subprocess.run(
        [*command, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_results_among_the_submissions(tmp_path: Path, handed: Path) -> None:
    """They are nobody's work when the command is called again."""
    for _ in range(2):
        told = _graded(handed, handed / ".." / handed.name / "results")
        assert "no program" not in told
    known = read_class(handed / "results")
    assert known is not None
    assert {s.student for s in known.students} == {f"student-{n}" for n in range(6)}


def test_results_are_not_the_submissions(handed: Path) -> None:
    """Else the next call would take what is in there for somebody's work."""
    command = [sys.executable, "-m", "grader", "course", str(handed)]
    done = subprocess.run(
        [*command, "--out", f"{handed}/../{handed.name}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    assert "holds the submissions; name another folder for the results, such as" in (
        done.stderr
    )
    assert not (handed / "verdicts").exists()


def test_a_due_date_stays_known(tmp_path: Path, handed: Path) -> None:
    """Until another is said, or none."""
    out = tmp_path / "out"

    def late() -> set[bool]:
        return {result.late for result in Results(out).verdicts()}

    _graded(handed, out, "--due", "2001-01-01")
    assert late() == {True}
    _graded(handed, out)
    assert late() == {True}
    _graded(handed, out, "--due", "exercise1=2099-01-01")
    assert late() == {False}
    _graded(handed, out, "--due", "exercise1=none")
    assert late() == {True}
    _graded(handed, out, "--due", "none")
    assert late() == {False}


def test_no_due_date_for_a_clone(tmp_path: Path, handed: Path) -> None:
    """It has the time of the clone, so it is told and not late."""
    (handed / "student-0" / ".git").mkdir()
    (handed / "student-1" / ".git").mkdir()
    out = tmp_path / "out"
    told = _graded(handed, out, "--due", "2001-01-01")
    said = "nothing says when student-0/exercise1.py was handed in (nor 1 more), so no"
    assert said in told
    late = {result.student for result in Results(out).verdicts() if result.late}
    assert late == {f"student-{number}" for number in range(2, 6)}


def test_who_handed_in_no_program_is_known(tmp_path: Path, handed: Path) -> None:
    """It is told, and kept until a program comes."""
    out = tmp_path / "out"
    (handed / "zoe").mkdir()
    (handed / "zoe" / "exercise1.docx").write_text("right")
    told = _graded(handed, out)
    said = "zoe handed in no program for exercise1: zoe/exercise1.docx is no .py file"
    assert f"grade: {said}\n" in told
    known = read_class(out)
    assert known is not None
    assert known.unreadable == (
        Unreadable("zoe", "exercise1", "zoe/exercise1.docx", "is no .py file"),
    )
    assert "zoe" in {student.student for student in known.students}
    (handed / "zoe" / "exercise1.py").write_bytes(RIGHT)
    assert "zoe" not in _graded(handed, out)
    known = read_class(out)
    assert known is not None
    assert known.unreadable == ()


def test_what_cannot_be_read_is_no_success(
    tmp_path: Path,
    handed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All else is graded, and who may have handed in more is no missing student."""
    (handed / "zoe").mkdir()
    for name in ("kim", "max"):
        (handed / name).mkdir()
        (handed / name / "exercise1.py").write_bytes(RIGHT)
    for number in range(4):
        (handed / f"{number}.txt").write_text("")
    (handed / "link").symlink_to("kim")
    closed = {str(handed / name) for name in ("zoe", "kim")}
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path) in closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    out = tmp_path / "out"
    monkeypatch.setattr("grader.course.grading.grade_all", lambda *_, **__: 0)
    assert main(["course", str(handed), "--out", str(out)]) == GRADER_FAILED
    told = capsys.readouterr().err
    assert (
        "grade: not graded: 4 files under no student's name: 0.txt, 1.txt, 2.t" in told
    )
    assert (
        f"grade: {out}/class.json names all that is not graded, as not_graded\n" in told
    )
    assert "grade: not graded: 1 link under no student's name: link\n" in told
    for name in ("zoe", "kim"):
        assert f"grade: not graded: {name} cannot be read: Permission denied\n" in told
    assert "no program" not in told
    known = read_class(out)
    assert known is not None
    assert NotGraded("3.txt", "under no student's name") in known.not_graded
    assert [(file.student, file.lost) for file in known.unreadable] == [
        ("kim", True),
        ("zoe", True),
    ]
    waiting = known.not_programs({("kim", "exercise2"), ("max", "exercise1")})
    assert ("kim", "exercise1") in waiting and ("kim", "exercise2") not in waiting


def test_more_at_once_than_there_are(tmp_path: Path) -> None:
    """No more places are made than there is work for."""
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "exercise1.py").write_text("")
    words = ["course", str(tmp_path / "class"), "--out", str(tmp_path / "out")]
    assert main([*words, "--no-config", "--jobs", "9" * 15]) == 0


def test_due_dates() -> None:
    """With a zone or in this machine's; nothing is late without a time."""
    base = Attempt("ada", "exercise1", "f", b"", when=datetime(2026, 10, 2, tzinfo=UTC))
    due = datetime(2026, 10, 1, 23, 59, tzinfo=UTC)
    assert marked_late(base, due).late
    assert not marked_late(base, base.when).late
    assert not marked_late(base, None).late
    assert not marked_late(replace(base, when=None), due).late
    assert marked_late(replace(base, late=True), base.when).late
