"""Gradescope's autograder: built, unpacked, set up and run as Gradescope does it."""

from __future__ import annotations

import io
import json
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from grader import __version__
from grader.catalog import find, using
from grader.cli import main
from grader.integration.gradescope import archive, pins

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "tests/report/schemas/gradescope.json").read_text())
RIGHT = (ROOT / "solutions/exercise1/exercise1.py").read_text()
WRONG = (ROOT / "solutions/exercise1/wrong/never_waits.py").read_text()

HIDDEN = '''
from grader.checking import Submission, points


@points(4)
def test_ends_well_once_more(program: Submission) -> None:
    """It ends well."""
    assert program.run().root.exit_code == 0
'''


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of its own: forklab's exercises and answers, and a hidden check."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "exercises", folder / "exercises")
    shutil.copytree(ROOT / "solutions", folder / "solutions")
    (folder / "hidden" / "exercise1").mkdir(parents=True)
    (folder / "hidden" / "exercise1" / "test_exercise1.py").write_text(HIDDEN)
    return folder


@dataclass(frozen=True)
class Autograder:
    """What Gradescope makes of an archive: its folder, and how scripts are run."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of the two scripts."""
        return subprocess.run(
            [str(self.folder / "source" / script)],
            env={**self.environment, **environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def hand_in(self, files: Mapping[str, str]) -> None:
        """Put a submission where Gradescope does."""
        folder = self.folder / "submission"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)

    @property
    def results(self) -> Path:
        return self.folder / "results" / "results.json"


def _user(path: str, folder: Path) -> str:
    """Who grades: not root, if somebody else can use a Python, and get to `folder`."""
    script = 'cd "$0" && python3 -c "import ensurepip"'
    program = ["env", f"PATH={path}", "bash", "-c", script, str(folder)]
    command = ["runuser", "-u", "nobody", "--", *program]
    done = subprocess.run(command, capture_output=True, check=False)
    return "root" if done.returncode else "nobody"


@pytest.fixture(scope="module")
def autograder(course: Path) -> Iterator[Autograder]:
    """One for exercise1, set up in a folder that everybody may read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        built = folder / "built.zip"
        words = ["--course", str(course), "--exercise", "exercise1", "-o", str(built)]
        assert main(["gradescope", "build", *words]) == 0
        shutil.unpack_archive(built, folder / "source")
        with zipfile.ZipFile(built) as file:
            for entry in file.infolist():
                (folder / "source" / entry.filename).chmod(entry.external_attr >> 16)
        # The system's own Python is for everybody; that of a user may not be.
        path = f"/usr/bin:/bin:/usr/sbin:{os.environ['PATH']}"
        environment = {
            **{k: v for k, v in os.environ.items() if k.startswith("PIP_")},
            "PATH": path,
            "AUTOGRADER": str(folder),
            "FORKLAB_USER": _user(path, folder),
        }
        autograder = Autograder(folder, environment)
        done = autograder.run("setup.sh")
        assert done.returncode == 0, done.stderr
        yield autograder
    finally:
        shutil.rmtree(folder)


def _graded(autograder: Autograder, files: Mapping[str, str]) -> dict[str, object]:
    autograder.hand_in(files)
    done = autograder.run("run_autograder")
    assert done.returncode == 0, done.stdout + done.stderr
    data: dict[str, object] = json.loads(autograder.results.read_text())
    jsonschema.validate(data, SCHEMA)
    assert data["stdout_visibility"] == "hidden"
    return data


def test_a_right_submission(autograder: Autograder) -> None:
    """It gets all points; a hidden check shows when grades are published."""
    data = _graded(autograder, {"exercise1.py": RIGHT})
    assert data["score"] == 14
    tests = data["tests"]
    assert isinstance(tests, list)
    assert {test["status"] for test in tests} == {"passed"}
    assert [test["visibility"] for test in tests].count("after_published") == 1


def test_a_wrong_submission(autograder: Autograder) -> None:
    """It is told why."""
    data = _graded(autograder, {"exercise1.py": WRONG, "notes.txt": "hello"})
    assert data["score"] != 14
    assert "zombie-left" in json.dumps(data)


@pytest.mark.parametrize("files", [{}, {"pipe.py": RIGHT}, {"exercise1.py": "print("}])
def test_nothing_that_can_be_run(
    autograder: Autograder, files: Mapping[str, str]
) -> None:
    """No points, and a sentence about what is missing."""
    data = _graded(autograder, files)
    assert data["score"] == 0
    assert "exercise1.py" in str(data["output"])


def test_nobody_reads_what_is_printed(autograder: Autograder) -> None:
    """The results are there all the same."""
    autograder.hand_in({"exercise1.py": RIGHT})
    reader, output = os.pipe()
    os.close(reader)
    script = autograder.folder / "source" / "run_autograder"
    with open(output, "w") as unread:
        done = subprocess.run(
            [str(script)], env=autograder.environment, stdout=unread, check=False
        )
    assert done.returncode == 0
    assert json.loads(autograder.results.read_text())["score"] == 14


def test_links_that_lead_elsewhere(autograder: Autograder) -> None:
    """What they lead to stays as it is, and is not graded if it is not the user's."""
    autograder.hand_in({})
    private = autograder.folder / "private"
    private.write_text(RIGHT)
    private.chmod(0o600)
    (autograder.folder / "submission" / "exercise1.py").symlink_to(private)
    before = private.stat()
    done = autograder.run("run_autograder")
    assert done.returncode == 0
    assert (private.stat().st_uid, private.stat().st_mode) == (
        before.st_uid,
        before.st_mode,
    )
    if autograder.environment["FORKLAB_USER"] != "root":
        assert json.loads(autograder.results.read_text())["score"] == 0


def test_no_score_where_the_grader_failed(autograder: Autograder) -> None:
    """Nor that of an earlier run; staff read why."""
    _graded(autograder, {"exercise1.py": RIGHT})
    toml = autograder.folder / "source/course/exercises/exercise1/exercise.toml"
    whole = toml.read_text()
    toml.write_text("broken")
    try:
        done = autograder.run("run_autograder")
    finally:
        toml.write_text(whole)
    assert done.returncode == 3
    assert not autograder.results.exists()
    assert "could not grade this submission (exit status 3): no score" in done.stdout
    assert "is not valid TOML" in done.stderr


def test_who_grades_is_not_root(autograder: Autograder) -> None:
    """The submission can tell; and nothing that it leaves stays."""
    if autograder.environment["FORKLAB_USER"] == "root":
        pytest.skip("nobody else can use this machine's Python, or we are not root")
    tells = f"import os\nassert os.getuid() != 0\n{RIGHT}"
    assert _graded(autograder, {"exercise1.py": tells})["score"] == 14
    user = pwd.getpwnam(autograder.environment["FORKLAB_USER"]).pw_uid
    assert [*_left_by(user)] == []


def _left_by(user: int) -> Iterator[Path]:
    """Scratch folders of a user's gradings, and not of others that go on beside."""
    for path in Path(tempfile.gettempdir()).glob("forklab*"):
        with suppress(FileNotFoundError):
            if path.lstat().st_uid == user:
                yield path


def test_the_same_bytes_each_time(course: Path) -> None:
    """Whenever it is built; with no answer in it, and scripts that can be run."""
    with using(course):
        exercises = [find("exercise1"), find("exercise2")]
    built = archive(exercises)
    for file in course.rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    assert archive(exercises) == built
    with zipfile.ZipFile(io.BytesIO(built)) as zipped:
        names = zipped.namelist()
        modes = {info.filename: info.external_attr >> 16 for info in zipped.infolist()}
    assert names == sorted(names)
    scripts = {name for name, mode in modes.items() if mode & stat.S_IXUSR}
    assert scripts == {"setup.sh", "run_autograder"}
    assert "course/hidden/exercise1/test_exercise1.py" in names
    assert {name.split("/")[2] for name in names if "/exercises/" in name} == {
        "exercise1",
        "exercise2",
    }
    assert not [name for name in names if "solutions" in name or "pycache" in name]


def test_versions_are_those_that_are_installed_here() -> None:
    """Of what forklab uses itself and of what that uses; not of what tests use."""
    known = dict(pin.split("==") for pin in pins())
    assert {"pytest", "rich", "pluggy", "pyyaml"} <= set(known)
    assert not {"forklab", "hypothesis", "distributed"} & set(known)
    assert known["pytest"] == pytest.__version__


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--exercise", "exercise99"], 2, "there is no exercise 'exercise99'"),
        (["-o", "absent/autograder.zip"], 2, "absent does not exist; make it first"),
        (["--course", "absent"], 2, "there is no course absent"),
    ],
)
def test_what_cannot_be_built(
    words: list[str],
    status: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence, and no archive."""
    monkeypatch.chdir(tmp_path)
    assert main(["gradescope", "build", *words]) == status
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_version_is_told(autograder: Autograder) -> None:
    """That of the forklab that built the archive."""
    python = autograder.folder / "forklab" / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "grader", "--version"],
        cwd=autograder.folder / "source",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"forklab {__version__}\n"
