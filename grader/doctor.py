"""What this machine allows, found by doing it, and the cure for what it lacks."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.catalog import read_exercise
from grader.errors import GraderError
from grader.promises import Layers, try_layers
from grader.session import grade
from grader.tracing.errors import SEE_DOCTOR, TracingError
from grader.tracing.launch import check_interpreter
from grader.verdict import CheckOutcome

_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that was tried.

    `ok` is None where it is missing and grading works without it. `cure` is what to do,
    or, in the last probe, what is promised here.
    """

    ok: bool | None
    what: str
    cure: str = ""


def examine() -> Iterator[Probe]:
    """Try everything that grading needs, one after the other."""
    yield (interpreter := _interpreter())
    yield _machine()
    yield _yama()
    if not interpreter.ok:
        return  # whatever else is tried needs it, and would be told another cure
    yield (tracing := _tracing())
    yield _lines()
    if tracing.ok:
        yield _forked_checks()
    yield from _layers()


def _interpreter() -> Probe:
    what = f"Python {platform.python_version()} ({sys.executable})"
    try:
        check_interpreter()
    except TracingError as error:
        why, _, cure = str(error).partition("; ")
        return Probe(False, f"{what}: {why}", f"{cure[:1].upper()}{cure[1:]}.")
    return Probe(True, what)


def _machine() -> Probe:
    name = f"{platform.system()} {platform.release()} on {platform.machine()}"
    if platform.system() != "Linux":
        return Probe(False, name, "forklab traces with ptrace(2): use Linux.")
    if platform.machine() != "x86_64":
        return Probe(
            False,
            f"{name}: its system calls are not known here",
            "Grade on an x86-64 machine, such as the course's CI.",
        )
    return Probe(True, name)


def _yama() -> Probe:
    try:
        scope = _YAMA.read_text().strip()
    except OSError:
        return Probe(True, "Yama does not restrict ptrace here")
    if scope in ("0", "1"):
        return Probe(True, f"Yama's ptrace_scope is {scope}: a parent may trace")
    if scope == "2" and os.geteuid() == 0:
        return Probe(True, "Yama's ptrace_scope is 2: root may trace")
    return Probe(
        False,
        f"Yama's ptrace_scope is {scope}: tracing is not permitted",
        "As root: sysctl kernel.yama.ptrace_scope=1"
        + (" (3 holds until the machine starts again)" if scope == "3" else ""),
    )


_FORK_AND_WAIT = "import os\npid = os.fork()\npid and os.waitpid(pid, 0)\n"


def _tracing() -> Probe:
    from grader.tracing.program import run

    cure = (
        "In a container: add the capability SYS_PTRACE (--cap-add=SYS_PTRACE) or its "
        "runtime's default seccomp profile of 2018 or newer. An amd64 image on an "
        "Apple machine cannot trace at all."
    )
    try:
        with tempfile.TemporaryDirectory(prefix="forklab-") as folder:
            program = Path(folder, "probe.py")
            program.write_text(_FORK_AND_WAIT)
            recording = run([str(program)])
    except (TracingError, OSError) as error:
        why = str(error).removesuffix(SEE_DOCTOR)
        return Probe(False, f"a program cannot be traced: {why}", cure)
    children = recording.root.children
    if len(children) != 1 or children[0].reaped_by != recording.root.pid:
        return Probe(False, "a program was traced, and its fork was not seen", cure)
    return Probe(True, "tracing works: a fork and its wait were seen")


def _lines() -> Probe:
    from grader.tracing.lines import layout

    if layout() is not None:
        return Probe(True, "lines of a program are found, as they must be")
    return Probe(
        None,
        "this Python keeps its lines in a way that is not known here: stories and "
        "findings are told without them",
        "Grade with the usual build of Python 3.11, 3.12 or 3.13.",
    )


def _layers() -> Iterator[Probe]:
    """Each layer of confinement, and what they promise together."""
    try:
        layers = try_layers()
    except (TracingError, OSError):
        return  # `_tracing` has said why
    yield Probe(
        layers.filter,
        "the filter: mount(2) was refused" if layers.filter else _HELD.format("filter"),
        "" if layers.filter else _REPORT,
    )
    yield Probe(
        layers.tracer,
        "the tracer: a signal to the grader, and a network, were refused"
        if layers.tracer
        else _HELD.format("tracer"),
        "" if layers.tracer else _REPORT,
    )
    yield _privileges(layers)
    yield _landlock(layers)
    kept = None if not layers.landlock else layers.files
    yield Probe(kept, f"here: {layers.kind.value}", layers.promised)


_HELD = "the {} did not keep a program from what it must not do"
_REPORT = "Do not grade strangers' programs here, and tell forklab's authors."


def _privileges(layers: Layers) -> Probe:
    if not layers.privileges or not layers.memory:
        return Probe(
            False,
            "a program has privileges, or can read the grader's memory",
            "Grade as an ordinary user.",
        )
    whose = "root's programs have no capabilities" if os.geteuid() == 0 else ""
    return Probe(
        True,
        "privileges: "
        + (whose or "a program has none")
        + ", and the grader's memory is closed to it",
    )


def _landlock(layers: Layers) -> Probe:
    name = f"Landlock {layers.landlock}"
    if not layers.files:
        return Probe(False, "a program used a file that is not its own", _REPORT)
    if layers.scopes:
        return Probe(
            True,
            f"{name}: a file outside a program's folder was refused, and a signal and "
            "a socket of others too",
        )
    if layers.landlock:
        return Probe(
            True,
            f"{name}: a file outside a program's folder was refused; signals and "
            "sockets of others are refused by the tracer alone",
        )
    return Probe(
        None,
        "no Landlock: the tracer alone refused a file outside a program's folder",
        "To have the kernel do it, and faster: Linux 5.13 or newer, better 6.12, with "
        "`landlock` among its `lsm=`. In a container the runtime's seccomp profile "
        "must let it through, as those since 2022 do.",
    )


_KNOWN = '''\
from grader.checking import CheckFailed, assert_that, points


@points(1)
def test_known_pass(program):
    """What passes is told as passed."""
    assert_that(program.run()).forks(1)


@points(1)
def test_known_fail(program):
    """What fails is told as failed."""
    assert_that(program.run()).forks(2)
'''
_METADATA = """\
title = "A known pass and a known fail"
summary = ""
arguments = ""
teaches = []
hints = []
"""


def _forked_checks() -> Probe:
    """Grade an exercise whose outcome is known."""
    with tempfile.TemporaryDirectory(prefix="forklab-") as scratch:
        folder = Path(scratch, "exercise0")
        folder.mkdir()
        for name, content in (
            ("README.md", ""),
            ("stub.py", ""),
            ("exercise.toml", _METADATA),
            ("test_exercise0.py", _KNOWN),
        ):
            (folder / name).write_text(content)
        submission = Path(scratch, "submission.py")
        submission.write_text(_FORK_AND_WAIT)
        try:
            verdict = grade(read_exercise(folder), submission)
        except (GraderError, TracingError, OSError) as error:
            return Probe(False, f"checks cannot be run: {error}", _PYTEST)
    outcomes = [check.outcome for check in verdict.checks]
    if outcomes == [CheckOutcome.PASSED, CheckOutcome.FAILED]:
        return Probe(
            True, "checks: one that must pass passed, one that must fail failed"
        )
    told = ", ".join(outcome.value for outcome in outcomes)
    return Probe(
        False,
        f"a known pass and a known fail were told as: {told}. {verdict.error}".strip(),
        _PYTEST,
    )


_PYTEST = "Install forklab anew, with the pytest that it asks for: pip install forklab."
