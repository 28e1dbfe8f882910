"""Pictures as data: what is kept is what is drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.diagnosis.causes import general
from grader.picture.data import dumps, loads, texts, with_texts
from grader.picture.kept import MOST_STEPS, STEPS, picture_of
from grader.picture.layout import lay_out
from grader.picture.svg import figure
from grader.picture.terminal import UNICODE, draw
from grader.tracing.recording import (
    Closed,
    End,
    HandlerSet,
    PipeMade,
    Recording,
    Side,
)
from tests.picture.runs import Run, six, twenty, two
from tests.picture.test_drawings import runs

_END = End(1, Side.READ)


@given(runs(), st.integers(3, 80), st.integers(1, 24))
@settings(deadline=None, max_examples=100)
def test_it_is_drawn_the_same(run: Recording, steps: int, columns: int) -> None:
    """After it was JSON, whatever happened in the run."""
    picture = lay_out(run, steps=steps, columns=columns)
    kept = loads(dumps(picture))
    assert figure(kept, "x", "p").count("<text") == figure(picture, "x", "p").count(
        "<text"
    )
    assert draw(kept, UNICODE)
    assert loads(dumps(kept)) == kept


@pytest.mark.parametrize("run", [two, six, twenty])
def test_nothing_is_lost(run: Callable[[], Recording]) -> None:
    """Of what has a place in it."""
    picture = lay_out(run())
    assert loads(dumps(picture)) == picture


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("rows"),
        lambda data: data["rows"].append([1, 2, 3]),
        lambda data: data["lanes"].clear(),
        lambda data: data["spans"].append([4101, "flies", 0, 1]),
        lambda data: data["spans"].append([4101, "runs", 0, 1000]),
        lambda data: data["arrows"].append(["fork", 1, 2, 0, 0, "", 0, False]),
        lambda data: data.update(columns=1),
        lambda data: data.update(lanes=5),
    ],
)
def test_what_is_no_picture(change: Callable[[dict[str, Any]], Any]) -> None:
    """Is not drawn."""
    data = json.loads(dumps(lay_out(two())))
    change(data)
    with pytest.raises(ValueError, match="not a picture"):
        loads(json.dumps(data))


def test_words_are_replaced_and_nothing_else() -> None:
    """All that a submission could have said is among them."""
    data = dumps(lay_out(two()))
    changed = with_texts(data, ["X"] * len(texts(data)))
    assert set(texts(changed)) == {"X"}
    assert with_texts(changed, texts(data)) == data
    assert "received" not in changed


def test_what_is_kept_is_little() -> None:
    """Of any run: its middle is left out, and so are processes that nobody sees."""
    run = Run()
    for _ in range(2000):
        child = run.fork()
        run.write(child, b"\xff" * 1000)
        run.end(child)
        run.collect(run.root, child)
    recording = run.done()
    small = picture_of(recording, general(recording), whole=False)
    assert len(small) < 20_000
    picture = loads(small)
    assert len(picture.rows) == STEPS
    assert picture.processes == 2001
    assert len(loads(picture_of(recording, [], whole=True)).rows) == MOST_STEPS


def test_what_is_kept_of_two_that_take_turns_for_ever_is_little() -> None:
    """However often they wait for each other."""
    run = Run()
    run.add(PipeMade, run.root, pipe=1, read_fd=3, write_fd=4)
    child = run.fork()
    for _ in range(1000):
        run.waits(run.root, "read", ends=(_END,))
        run.write(child, b"ping", 1)
        run.read(run.root, b"ping")
        run.waits(child, "pause")
        run.handle(child, 10)
    assert len(picture_of(run.done(), [], whole=False)) < 8_000


@pytest.mark.parametrize("what", ["read", "close", "handle"])
def test_what_joins_is_bounded(what: str) -> None:
    """However often a program does the same: its step does not grow for ever."""
    run = Run()
    run.add(PipeMade, run.root, pipe=1, read_fd=3, write_fd=4)
    for number in range(20_000):
        if what == "read":
            run.read(run.root, b"x")
        elif what == "close":
            run.add(Closed, run.root, fd=number, end=_END, error=0)
        else:
            run.add(HandlerSet, run.root, signal=10, disposition="handler")
    kept = picture_of(run.done(), [], whole=False)
    assert max(map(len, texts(kept))) < 200
    if what == "read":
        assert any("20,000 B" in text for text in texts(kept))
        assert any("(20000 times)" in text for text in texts(kept))
