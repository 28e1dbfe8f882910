"""A warm zygote, and programs written down in the test that runs them."""

from __future__ import annotations

import signal
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from grader.tracing import program, ptrace
from grader.tracing.launch import Zygote
from grader.tracing.program import Program, trace
from grader.tracing.recording import Recording


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """One interpreter to fork all the traced programs from."""
    with Zygote() as zygote:
        yield zygote


@pytest.fixture
def without_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process, and what it forks, grade as on a kernel without Landlock."""
    monkeypatch.setattr(ptrace, "landlock_version", lambda: 0)


needs_landlock = pytest.mark.skipif(
    not ptrace.landlock_version(), reason="no Landlock here"
)


@pytest.fixture(
    params=[pytest.param("Landlock", marks=needs_landlock), "no Landlock"],
)
def either(request: pytest.FixtureRequest) -> None:
    """What is tested holds on a kernel with Landlock, and on one without."""
    if request.param == "no Landlock":
        request.getfixturevalue("without_landlock")


@pytest.fixture
def unkept(without_landlock: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody keep programs to their files, the tracer neither.

    What they do then is to harm the grader no more than it must: layers can fail.
    """
    monkeypatch.setattr(program, "tracer_keeps_files", lambda: False)


Start = Callable[..., AbstractContextManager[Program]]
Run = Callable[..., Recording]


@pytest.fixture
def start(tmp_path: Path, zygote: Zygote) -> Start:
    """Start a program given as text, under the tracer."""

    def start(text: str, *arguments: str, **options: Any) -> Any:
        file = tmp_path / "program.py"
        file.write_text(textwrap.dedent(text))
        return trace(
            [str(file), *arguments], zygote=zygote, directory=tmp_path, **options
        )

    return start


@pytest.fixture
def run(start: Start) -> Run:
    """Run a program given as text to its end."""

    def run(text: str, *arguments: str, **options: Any) -> Recording:
        with start(text, *arguments, **options) as program:
            return program.finish()

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update-golden`` writes the golden files anew, to be read before a commit."""
    parser.addoption("--update-golden", action="store_true")


def heed_interrupts() -> None:
    """In a new process: let SIGINT act, which what runs in the background ignores."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


Golden = Callable[[str, str], None]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the file of that name in the test's ``golden`` folder."""

    def compare(name: str, text: str) -> None:
        keep_or_compare(request, Path(str(request.path)).parent / "golden" / name, text)

    return compare


def keep_or_compare(request: pytest.FixtureRequest, path: Path, text: str) -> None:
    """A file has this text; ``--update-golden`` writes it."""
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
