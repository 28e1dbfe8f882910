"""The files of ``ci/``: what platforms prescribe, and what their commands do.

Each command is run as it stands there, with forklab from this checkout.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import xmlschema
import yaml

from grader import __version__

ROOT = Path(__file__).parents[2]
CI = ROOT / "ci"
JUNIT = xmlschema.XMLSchema(ROOT / "tests/report/schemas/junit.xsd")
RIGHT = (ROOT / "solutions/exercise1/exercise1.py").read_text()
WRONG = (ROOT / "solutions/exercise1/wrong/never_waits.py").read_text()
TOOLS = Path(sys.executable).parent


def _says_nothing(*command: str | Path) -> None:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_is_one(tmp_path: Path) -> None:
    """As GitHub's schema says; and nothing that an auditor would complain about."""
    file = CI / "github.yml"
    schema = ["--builtin-schema", "vendor.github-workflows"]
    _says_nothing(TOOLS / "check-jsonschema", *schema, file)
    _says_nothing(TOOLS / "zizmor", "--offline", "--no-progress", file)
    broken = tmp_path / "broken.yml"
    broken.write_text(file.read_text().replace("runs-on", "runs-at"))
    with pytest.raises(AssertionError):
        _says_nothing(TOOLS / "check-jsonschema", *schema, broken)


def test_the_job_is_one(tmp_path: Path) -> None:
    """As GitLab's schema says."""
    file = CI / "gitlab.yml"
    schema = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    _says_nothing(TOOLS / "check-jsonschema", *schema, file)
    broken = tmp_path / "broken.yml"
    broken.write_text(file.read_text().replace("script:", "scripts:"))
    with pytest.raises(AssertionError):
        _says_nothing(TOOLS / "check-jsonschema", *schema, broken)


def test_the_container_file_is_one() -> None:
    """Without a complaint."""
    _says_nothing(TOOLS / "hadolint", CI / "Containerfile")


def test_versions_are_pinned() -> None:
    """Forklab is this one; an action is a commit; an image says which Python."""
    for file in CI.iterdir():
        text = file.read_text()
        pins = re.findall(r"forklab(?:==|:)(\d[\w.]*)", text)
        assert set(pins) == {__version__}, file.name
        for action in re.findall(r"uses: (\S+)", text):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action), file.name
    assert re.search(r"image: python:3\.\d+-slim-\w+\n", _text("gitlab.yml"))
    assert re.search(r"BASE=\S+/python:3\.\d+-slim-\w+\n", _text("Containerfile"))


def test_each_file_is_described() -> None:
    """And no other is spoken of."""
    page = (ROOT / "docs" / "ci.md").read_text()
    linked = set(re.findall(r"\(\.\./ci/(\w[\w.]*)\)", page))
    assert linked == {file.name for file in CI.iterdir()}
    said_there = _text("Containerfile").replace("#   ", "")
    commands = [line for line in page.splitlines() if line.startswith("podman")]
    assert len(commands) == 3
    assert all(command in said_there for command in commands[:2])


def _text(name: str) -> str:
    return (CI / name).read_text()


def _github() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(_text("github.yml"))
    return data


def _gitlab() -> dict[str, Any]:
    job: dict[str, Any] = yaml.safe_load(_text("gitlab.yml"))["grade"]
    return job


def test_permissions_are_few() -> None:
    """A workflow that runs what students push may read that, and no more."""
    assert _github()["permissions"] == {"contents": "read"}
    (job,) = _github()["jobs"].values()
    assert "permissions" not in job
    assert job["steps"][0]["with"]["persist-credentials"] is False


def _scripts() -> Iterator[str]:
    for step in _github()["jobs"]["grade"]["steps"]:
        if "run" in step:
            yield step["run"]
    yield "\n".join([*_gitlab()["before_script"], *_gitlab()["script"]])
    for name in ("setup.sh", "run_autograder"):
        yield (ROOT / "grader" / "integration" / "gradescope" / name).read_text()


def test_shells_understand_what_is_meant(tmp_path: Path) -> None:
    """No word is split, or expanded, by accident."""
    for number, script in enumerate(_scripts()):
        file = tmp_path / f"{number}.sh"
        file.write_text(script)
        _says_nothing(TOOLS / "shellcheck", "--shell=bash", file)


@pytest.fixture(scope="module")
def machine() -> Iterator[Path]:
    """A folder in which jobs install forklab, that everybody may read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def repository() -> Iterator[Path]:
    """A student's, checked out."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "exercises" / "exercise1").mkdir(parents=True)
    (folder / "forklab.toml").write_text("[grade]\nfail-under = 0\n")
    yield folder
    shutil.rmtree(folder)


def _shell(
    script: str, folder: Path, environment: Mapping[str, object]
) -> subprocess.CompletedProcess[str]:
    """Run a script as runners do: in bash, which ends where a command fails."""
    usual = {k: v for k, v in os.environ.items() if k.startswith("PIP_")}
    # The system's own Python is for everybody; that of a user may not be.
    usual["PATH"] = f"/usr/bin:/bin:/usr/sbin:{TOOLS}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={**usual, **{key: str(value) for key, value in environment.items()}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("program", "status"), [(RIGHT, 0), (WRONG, 1)], ids=["right", "wrong"]
)
def test_a_push_to_github_is_graded(
    machine: Path, repository: Path, program: str, status: int
) -> None:
    """Its job passes or fails, and tells why: beside the lines, and on its page."""
    (repository / "exercises/exercise1/exercise1.py").write_text(program)
    workflow = _github()
    environment = {
        **workflow["env"],
        "FORKLAB": ROOT,
        "GRADED": "exercise1",
        "RUNNER_TEMP": machine,
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": repository,
        "GITHUB_STEP_SUMMARY": machine / "summary.md",
    }
    (machine / "summary.md").unlink(missing_ok=True)
    install, grade = [
        s["run"] for s in workflow["jobs"]["grade"]["steps"] if "run" in s
    ]
    done = _shell(install, repository, environment)
    assert done.returncode == 0, done.stderr
    done = _shell(grade, repository, environment)
    assert done.returncode == status, done.stderr
    page = (machine / "summary.md").read_text()
    assert "## exercise1: " in page
    errors = re.findall(r"^::error file=(\S+?),", done.stdout, re.MULTILINE)
    assert set(errors) == ({"exercises/exercise1/exercise1.py"} if status else set())
    JUNIT.validate(machine / "grade.xml")
    kept = workflow["jobs"]["grade"]["steps"][-1]["with"]["path"].splitlines()
    for path in kept:
        assert Path(path.replace("${{ runner.temp }}", str(machine))).is_file()


def _nobody_can_grade(folder: Path) -> bool:
    """Whether a job that is root can hand over to somebody who is not, in `folder`."""
    script = 'runuser -u nobody -- bash -c \'cd "$0" && python3 -c "import ensurepip"\''
    return _shell(f"{script} {folder}", Path("/"), {}).returncode == 0


@pytest.mark.parametrize(
    ("program", "status"), [(RIGHT, 0), (WRONG, 1)], ids=["right", "wrong"]
)
def test_a_push_to_gitlab_is_graded(
    machine: Path, repository: Path, program: str, status: int
) -> None:
    """By somebody who is not root."""
    if not _nobody_can_grade(machine):
        pytest.skip("GitLab's jobs run as root; we are not, or nobody else can grade")
    told = f"import os\nassert os.getuid() != 0\n{program}"
    (repository / "exercises/exercise1/exercise1.py").write_text(told)
    job = _gitlab()
    environment = {
        **job["variables"],
        "FORKLAB": ROOT,
        "GRADED": "exercise1",
        "CI_BUILDS_DIR": machine / "builds",
        "CI_PROJECT_DIR": repository,
        "GITLAB_CI": "true",
    }
    script = "\n".join([*job["before_script"], *job["script"]])
    done = _shell(script, repository, environment)
    assert done.returncode == status, done.stdout + done.stderr
    JUNIT.validate(repository / job["artifacts"]["reports"]["junit"])
    assert (repository / job["artifacts"]["paths"][0] / "verdict.json").is_file()


def test_what_jenkins_runs(machine: Path, repository: Path) -> None:
    """It writes the files that are looked for afterwards."""
    (repository / "exercises/exercise1/exercise1.py").write_text(RIGHT)
    text = _text("Jenkinsfile")
    (script,) = re.findall(r"sh '(.+)'", text)
    path = {"PATH": f"{TOOLS}:{os.environ['PATH']}"}
    done = _shell(script, repository, path)
    assert done.returncode == 1, done.stderr  # the other exercises are not there
    (junit,) = re.findall(r"junit '(.+)'", text)
    JUNIT.validate(repository / junit)
    (kept,) = re.findall(r"artifacts: '(.+?)'", text)
    assert all((repository / file).is_file() for file in kept.split(", "))


def _instructions(text: str) -> dict[str, str]:
    """The instructions of a container file, each there once."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    found = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    names = [name for name, _ in found]
    assert len(names) == len(set(names))
    return dict(found)


def test_what_a_container_is_made_of(tmp_path: Path, repository: Path) -> None:
    """The same commands do their work in a folder, with what the image would get."""
    instructions = _instructions(_text("Containerfile"))
    assert instructions["COPY"] == ". /usr/src/forklab"
    assert instructions["USER"].isdecimal()
    assert instructions["USER"] != "0"
    copied = tmp_path / "source"
    copied.mkdir()
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source = ROOT / line[1:]
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, copied / line[1:])
    installed = tmp_path / "installed"
    useradd = tmp_path / "bin" / "useradd"
    useradd.parent.mkdir()
    useradd.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/users\n')
    useradd.chmod(0o755)
    commands = instructions["RUN"].replace("/usr/src/forklab", str(copied))
    commands = commands.replace("/opt/forklab", str(installed))
    path = f"{useradd.parent}:{os.environ['PATH']}"
    done = _shell(commands, tmp_path, {"PATH": path})
    assert done.returncode == 0, done.stderr
    assert f"--uid {instructions['USER']} " in (tmp_path / "users").read_text()
    assert not copied.exists()

    variables = shlex.split(instructions["ENV"].replace("$PATH", os.environ["PATH"]))
    environment = dict(variable.split("=", 1) for variable in variables)
    path = environment["PATH"].replace("/opt/forklab", str(installed))
    (repository / "exercise1.py").write_text(RIGHT)
    entry = re.findall(r'"(.+?)"', instructions["ENTRYPOINT"])
    done = _shell(shlex.join([*entry, "exercise1"]), repository, {"PATH": path})
    assert done.returncode == 0, done.stderr
    everything = re.findall(r'"(.+?)"', instructions["CMD"])
    assert everything == ["all"]
