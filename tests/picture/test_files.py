"""Files that processes meet in."""

from __future__ import annotations

import errno

from grader.exploring.choices import Pilot
from grader.picture.layout import lay_out
from grader.picture.model import Step
from grader.picture.svg import svg
from grader.picture.terminal import ASCII, draw
from grader.picture.words import Kind
from grader.tracing.program import trace
from grader.tracing.recording import FileNamed, Read, Recording, Wrote
from tests.exploring.test_search import PROGRAMS
from tests.picture.runs import Run


def steps(recording: Recording) -> list[tuple[int, str]]:
    """Who did what to files."""
    rows = lay_out(recording).rows
    steps = [row for row in rows if isinstance(row, Step)]
    return [(step.pid, step.words) for step in steps if step.kind is Kind.FILE]


def test_check_then_act_is_seen() -> None:
    """The look and the making, in the order in which they were."""
    program = str(PROGRAMS / "check_then_act.py")
    with trace([program], schedule=Pilot({}).schedule) as running:
        recording = running.finish()
    said = [words for _, words in steps(recording)]
    assert said == [
        "looks for claimed: not there",
        "opens or makes claimed",
        "looks at claimed",
    ]


def test_what_one_process_uses_alone_is_not_there() -> None:
    """Nor what all only read, nor devices."""
    run = Run()
    child = run.fork()
    for pid, path, changes in (
        (run.root, "/tmp/own", True),
        (run.root, "/tmp/read", False),
        (child, "/tmp/read", False),
        (run.root, "/dev/null", True),
        (child, "/dev/null", True),
    ):
        what = {"call": "openat", "path": path, "changes": changes, "error": 0}
        run.add(FileNamed, pid, **what)
    assert steps(run.done()) == []


def test_reads_and_writes_have_their_bytes() -> None:
    """Two of one name are told apart by their folders."""
    run = Run()
    child = run.fork()
    for folder in ("/a", "/b"):
        to = {"fd": 3, "data": b"5", "count": 1, "error": 0}
        run.add(Wrote, run.root, target=f"{folder}/count", **to)
        run.add(Read, child, source=f"{folder}/count", **to)
    what = {"call": "unlink", "path": "/a/count", "changes": True, "error": 0}
    run.add(FileNamed, run.root, **what)
    what |= {"call": "mkdir", "changes": False, "error": errno.EEXIST}
    run.add(FileNamed, child, **what)
    assert steps(run.done()) == [
        (run.root, 'writes 1 B to /a/count: "5"'),
        (child, 'reads 1 B from /a/count: "5"'),
        (run.root, 'writes 1 B to /b/count: "5"'),
        (child, 'reads 1 B from /b/count: "5"'),
        (run.root, "removes /a/count"),
        (child, "makes the folder /a/count: there already"),
    ]


def test_a_hostile_name_is_text() -> None:
    """In the drawing too, where it stands beside its mark."""
    run = Run()
    child = run.fork()
    name = "</text><b>\x1b[31m\u202e"
    for pid in (run.root, child):
        what = {"call": "unlink", "path": f"/{name}", "changes": True, "error": 0}
        run.add(FileNamed, pid, **what)
    picture = lay_out(run.done())
    drawn = svg(picture, "x")
    assert "<b>" not in drawn
    assert "\x1b" not in drawn
    assert "&lt;b&gt;" in drawn
    assert "uses a shared file" in drawn
    lines = draw(picture, ASCII)
    assert all(line.isprintable() and line.isascii() for line in lines)
    assert any("%" in line for line in lines)
