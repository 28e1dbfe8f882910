"""``grade doctor``: each layer is tried, and told with what it promises."""

from __future__ import annotations

import os
import sys

import pytest

from grader import promises
from grader.cli import main
from grader.doctor import Probe, examine
from grader.promises import Kind, Layers, try_layers
from grader.tracing import ptrace
from grader.tracing.errors import TracingRefused
from tests.conftest import Run

LANDLOCK = ptrace.landlock_version()
ROOT = os.geteuid() == 0


def _cures(probes: list[Probe]) -> dict[str, str]:
    return {probe.what: probe.cure for probe in probes if probe.ok is not True}


@pytest.mark.skipif(not LANDLOCK, reason="no Landlock here")
def test_all_layers(capsys: pytest.CaptureFixture[str]) -> None:
    """In one screen, with the kind of this machine and what that promises."""
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) <= 24
    words = " ".join(printed.split())
    assert (
        f"Landlock {LANDLOCK}: a file outside a program's folder was refused" in words
    )
    assert f"here: {(Kind.ROOT if ROOT else Kind.USER).value}" in words
    assert "reads what is installed and its own folder" in words
    assert words.endswith("This machine can grade.")


@pytest.mark.usefixtures("without_landlock")
def test_without_landlock(capsys: pytest.CaptureFixture[str]) -> None:
    """Grading works, with another layer in its place, and the cure is told."""
    assert main(["doctor"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "no Landlock: the tracer alone refused a file outside" in words
    assert "with `landlock` among its `lsm=`" in words
    assert f"here: {(Kind.ROOT_WITHOUT if ROOT else Kind.USER_WITHOUT).value}" in words
    assert "From files the tracer keeps it, in the kernel's place" in words
    layers = try_layers()
    assert (layers.filter, layers.tracer, layers.memory) == (True, True, True)
    assert (layers.files, layers.scopes) == (True, False)


def test_a_layer_that_does_not_hold(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """What a program got is told as that, and this machine cannot grade."""
    recording = run("print('mount')")
    monkeypatch.setattr(promises, "run", lambda *_, **__: recording)
    failed = _cures(list(examine()))
    assert "the filter did not keep a program from what it must not do" in failed
    assert "the tracer did not keep a program from what it must not do" in failed
    assert "a program has privileges, or can read the grader's memory" in failed
    assert all(failed.values())
    assert main(["doctor"]) == 3


@pytest.mark.usefixtures("unkept")
def test_where_files_are_not_kept() -> None:
    """That no machine is like, but if it were, no strangers' programs are for it."""
    assert not try_layers().files
    assert "a program used a file that is not its own" in _cures(list(examine()))


def test_an_older_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before version 6 it keeps files, and signals and sockets are the tracer's."""
    layers = Layers(True, True, True, True, files=True, scopes=False, landlock=5)
    monkeypatch.setattr("grader.doctor.try_layers", lambda: layers)
    (told,) = [probe for probe in examine() if probe.what.startswith("Landlock 5")]
    assert told.ok
    assert "by the tracer alone" in told.what


def test_where_tracing_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then nothing is promised, for nothing is run."""

    def refuse(*_: object, **__: object) -> None:
        raise TracingRefused("this machine does not permit ptrace(2)")

    monkeypatch.setattr("grader.tracing.program.run", refuse)
    monkeypatch.setattr(promises, "run", refuse)
    assert main(["doctor"]) == 3
    printed = capsys.readouterr().out
    assert "a program cannot be traced" in printed
    assert "here:" not in printed


def test_a_python_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It alone is told, and its cure: nothing else can be tried."""
    monkeypatch.setattr("os.access", lambda path, mode: path != sys.executable)
    assert main(["doctor"]) == 3
    printed = " ".join(capsys.readouterr().out.split())
    assert f"the user who grades cannot read {sys.executable}, and" in printed
    assert "Permit it, there and in the folders above, with `chmod a+rX`" in printed
    assert "grade doctor" not in printed
    assert "cap-add" not in printed
    assert main(["trace", "true"]) == 3
    assert "; permit it, there and in the folders" in capsys.readouterr().err
