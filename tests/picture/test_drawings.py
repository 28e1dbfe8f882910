"""The drawings themselves: golden ones to look at, and what is true of them all."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.diagnosis.causes import general
from grader.picture.culprits import culprits
from grader.picture.layout import lay_out
from grader.picture.model import Elision, Picture
from grader.picture.page import page
from grader.picture.svg import svg
from grader.picture.terminal import ASCII, UNICODE, draw, glyphs_for
from grader.tracing.recording import PipeMade, Recording
from tests.conftest import Golden
from tests.picture.runs import Run, at_lines, six, twenty, two

RUNS: dict[str, Callable[[], Recording]] = {"2": two, "6": six, "20": twenty}
SVG = "{http://www.w3.org/2000/svg}"


def picture_of(run: Recording, columns: int = 24) -> Picture:
    """The picture that `grade trace` draws, with whom its findings point at."""
    return lay_out(run, columns=columns, culprits=culprits(run, general(run)))


@pytest.mark.parametrize("name", RUNS)
def test_in_a_terminal(golden: Golden, name: str) -> None:
    """With the characters of Unicode."""
    drawn = draw(picture_of(RUNS[name](), 20), UNICODE)
    golden(f"{name}.txt", "\n".join(drawn) + "\n")


@pytest.mark.parametrize("name", RUNS)
def test_in_a_plain_terminal(golden: Golden, name: str) -> None:
    """Without them."""
    drawn = draw(picture_of(RUNS[name](), 20), ASCII)
    golden(f"{name}.ascii.txt", "\n".join(drawn) + "\n")
    assert "\n".join(drawn).isascii()


@pytest.mark.parametrize("name", RUNS)
def test_as_svg(golden: Golden, name: str) -> None:
    """As a file of its own."""
    golden(f"{name}.svg", svg(picture_of(RUNS[name]()), f"{name}.py"))


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("name", RUNS)
def test_every_pid_is_there_and_whole(name: str, glyphs: object) -> None:
    """In at most 80 cells."""
    run = RUNS[name]()
    drawn = draw(picture_of(run, 20), UNICODE if glyphs is UNICODE else ASCII)
    text = "\n".join(drawn)
    assert all(str(process.pid) in text for process in run.processes)
    assert max(map(len, drawn)) <= 80


@pytest.mark.parametrize(
    "encoding, terminal, glyphs",
    [
        ("utf-8", "xterm-256color", UNICODE),
        ("utf-8", "dumb", ASCII),
        ("utf-8", "linux", ASCII),
        ("latin-1", "xterm", ASCII),
        ("ascii", "", ASCII),
        ("no such encoding", "xterm", ASCII),
    ],
)
def test_what_a_terminal_can_show(encoding: str, terminal: str, glyphs: object) -> None:
    """Characters that it has, of an encoding that has them."""
    assert glyphs_for(encoding, terminal) is glyphs


def test_svg_has_words_for_those_who_do_not_see_it() -> None:
    """A title, a description, and no script."""
    root = ElementTree.fromstring(svg(picture_of(two()), "two.py"))
    assert root.findtext(f"{SVG}title") == "two.py"
    described = root.findtext(f"{SVG}desc") or ""
    assert "4101 forks 4102" in described
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "picture-title picture-desc"
    assert not root.findall(f".//{SVG}script")
    texts = ["".join(t.itertext()) for t in root.iter(f"{SVG}text")]
    assert '4102 writes 2 B to the pipe: "1\\n"' in texts


def test_what_was_left_out_is_not_drawn_as_something_else() -> None:
    """Who became a zombie among the steps left out is one in the row behind them."""
    run = Run()
    children = [run.fork() for _ in range(40)]
    for child in children:
        run.end(child)
    for child in children:
        run.collect(run.root, child)
    picture = lay_out(run.done(), steps=20, columns=8)
    (place,) = [n for n, r in enumerate(picture.rows) if isinstance(r, Elision)]
    root = ElementTree.fromstring(svg(picture, "many.py"))
    began = [lane.pid for lane in picture.lanes if lane.seen and lane.first == place]
    assert len(began) == 9
    (runs_,) = [p for p in root.iter(f"{SVG}path") if p.get("class") == "runs"][:1]
    (gap,) = [t for t in root.iter(f"{SVG}text") if t.get("class") == "gap"]
    there = int(gap.get("y", "")) - 4
    tops = re.findall(r"M[\d.]+ (\d+)V", runs_.get("d", ""))
    assert tops
    assert str(there) not in tops
    tags = [t.text for t in root.iter(f"{SVG}text") if "pid" in t.get("class", "")]
    assert "(9)" in tags  # all in the column that is shared


def test_a_page_allows_nothing_but_its_own_style() -> None:
    """And has the program's lines where events have them."""
    run = two()
    source = ["import os", "r, w = os.pipe()", "if os.fork() == 0:", "    <script>"]
    html = page(lay_out(at_lines(run, {2: 3})), "<b>two", source)
    assert "default-src 'none'; style-src 'sha256-" in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<b>two" not in html
    assert 'data-line="3"' in html
    assert 'id="line-3"' in html
    assert '[data-line="3"]:is(:hover,:focus)' in html


def test_a_page_without_lines_has_no_place_for_them() -> None:
    """Nor speaks of them."""
    assert "<aside" not in page(lay_out(two()), "two.py")


# --- whatever happens ---


@st.composite
def runs(draw_: st.DrawFn) -> Recording:
    """Processes that fork, write, read, sleep, signal, end, collect; in any order."""
    data = st.binary(max_size=40)
    run = Run(
        draw_(st.text(max_size=20)), pid=draw_(st.sampled_from([7, 4101, 4_194_000]))
    )
    run.add(PipeMade, run.root, pipe=1, read_fd=3, write_fd=4)
    actions = (
        "fork", "write", "print", "read", "sleep", "send", "handle", "end", "collect",
        "time",
    )  # fmt: skip
    for action in draw_(st.lists(st.sampled_from(actions), max_size=60)):
        alive = [pid for pid, p in run.processes.items() if p.ended is None]
        if not alive:
            break
        pid = draw_(st.sampled_from(alive))
        children = run.processes[pid].children
        zombies = [c.pid for c in children if c.ended and not c.collected]
        if action == "fork":
            run.fork(pid)
        elif action == "write":
            run.write(pid, draw_(data), 1)
        elif action == "print":
            run.write(pid, draw_(data))
        elif action == "read":
            run.read(pid, draw_(data))
        elif action == "sleep":
            run.waits(pid, "clock_nanosleep", deadline=run.time + 1)
        elif action == "send":
            run.send(pid, draw_(st.sampled_from(alive)), 10)
        elif action == "handle":
            run.handle(pid, 10)
        elif action == "end":
            run.end(pid)
        elif action == "collect" and zombies:
            run.collect(pid, zombies[0])
        elif action == "time":
            run.time += draw_(st.sampled_from([0.001, 0.5, 1e6]))
    return run.done()


@given(runs(), st.integers(3, 80), st.integers(1, 24))
@settings(deadline=None, max_examples=150)
def test_every_process_has_a_lane(run: Recording, steps: int, columns: int) -> None:
    """Inside the picture, with all that it does in there, one thing at a time."""
    picture = lay_out(run, steps=steps, columns=columns)
    assert [lane.pid for lane in picture.lanes] == [p.pid for p in run.processes]
    assert len(picture.rows) <= steps
    assert picture.columns <= columns
    for lane in picture.lanes:
        assert 0 <= lane.column < picture.columns
        assert 0 <= lane.first <= lane.last < len(picture.rows)
        spans = [span for span in picture.spans if span.pid == lane.pid]
        assert all(lane.first <= s.first <= s.last <= lane.last for s in spans)
        assert all(one.last <= other.first for one, other in pairwise(spans))


@given(runs(), st.integers(3, 80), st.sampled_from([UNICODE, ASCII]))
@settings(deadline=None, max_examples=150)
def test_no_line_is_too_long(run: Recording, steps: int, glyphs: object) -> None:
    """80 cells, none of them a character that acts."""
    picture = lay_out(run, steps=steps, columns=20)
    for line in draw(picture, UNICODE if glyphs is UNICODE else ASCII):
        assert len(line) <= 80
        assert line.isprintable()


@given(runs())
@settings(deadline=None, max_examples=100)
def test_every_pid_is_said(run: Recording) -> None:
    """Above its lane, beside its beginning, or in what is said there: as a word."""
    words = re.findall(r"\d+", "\n".join(draw(lay_out(run, columns=20), UNICODE)))
    assert {str(process.pid) for process in run.processes} <= set(words)


def test_no_pid_stands_above_the_lane_of_another() -> None:
    """Short pids too, in columns that are used again."""
    run = Run(pid=1)
    for _ in range(14):
        child = run.fork()
        run.end(child)
        run.collect(run.root, child)
    picture = lay_out(run.done(), columns=20)
    assert picture.columns < len(picture.lanes)
    first = draw(picture, UNICODE)[0]
    assert "starts" in first


def test_a_long_time_has_room() -> None:
    """More than a year of it."""
    run = Run()
    run.time = 86_400.0 * 400
    child = run.fork()
    drawn = draw(lay_out(run.done()), UNICODE)
    (line,) = [line for line in drawn if f"forks {child}" in line]
    assert line.startswith("34560000.000  ")
    (before,) = [line for line in drawn if "starts" in line]
    assert line.index("●") == before.index("┳")


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_a_large_run_fits(glyphs: object) -> None:
    """With all columns taken, and steps and processes left out."""
    run = Run(pid=4_000_000)
    children = []
    for _ in range(1000):
        children.append(run.fork())
        run.write(children[-1], b"x" * 100)
        run.time += 10
    for child in children:
        run.end(child)
    for child in children:
        run.collect(run.root, child)
    picture = lay_out(run.done(), steps=60, columns=20)
    drawn = draw(picture, UNICODE if glyphs is UNICODE else ASCII)
    assert max(map(len, drawn)) <= 80
    words = " ".join(line[51:].strip() for line in drawn)
    (gone,) = [row for row in picture.rows if isinstance(row, Elision)]
    assert gone.steps > 3900
    assert f"{gone.steps:,} steps left out, with {gone.processes} processes" in words


@given(runs(), st.text(max_size=30))
@settings(deadline=None, max_examples=150)
def test_svg_is_xml(run: Recording, title: str) -> None:
    """Whatever was written, and however the program is called; with every pid."""
    text = svg(lay_out(run), title)
    root = ElementTree.fromstring(text)
    pids = {t.text for t in root.iter(f"{SVG}text") if "pid" in t.get("class", "")}
    assert pids == {str(process.pid) for process in run.processes}
    assert not root.findall(f".//{SVG}script")


@given(runs(), st.text(max_size=30))
@settings(deadline=None, max_examples=50)
def test_a_page_holds_no_more_elements_for_hostile_bytes(
    run: Recording, title: str
) -> None:
    """What a program writes makes no markup."""
    html = page(lay_out(run), title)
    assert html.count("<svg") == 1
    assert "<script" not in html
