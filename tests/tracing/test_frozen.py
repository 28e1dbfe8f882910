"""Recordings are the same in another process."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields

import pytest

from grader.tracing import frozen
from grader.tracing.recording import Event, Read
from tests.conftest import Run

PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGCHLD, lambda *_: None)
r, w = os.pipe()
if os.fork() == 0:
    os.close(r)
    os.write(w, b"x")
    time.sleep(1)
    os._exit(3)
os.close(w)
while os.read(r, 10): print("received")
os.wait()
"""


def _told(event: Event) -> tuple[object, ...]:
    names = [field.name for field in fields(event)]
    return type(event), *(getattr(event, name) for name in names)


def test_events_are_the_same(run: Run) -> None:
    """Each has all that it had."""
    recording = run(PROGRAM, stdout="pipe")
    again = pickle.loads(pickle.dumps(recording))
    assert len({type(event) for event in recording.events}) > 8
    assert [*map(_told, again.events)] == [*map(_told, recording.events)]
    assert again.rests == recording.rests


def test_each_is_kept_once(run: Run) -> None:
    """A process's events are those of the run, as before."""
    again = pickle.loads(pickle.dumps(run(PROGRAM, stdout="pipe")))
    assert {id(e) for p in again.processes for e in p.events} <= {
        *map(id, again.events)
    }


def test_they_are_frozen(run: Run) -> None:
    """As they were."""
    (event, *_) = pickle.loads(pickle.dumps(run(PROGRAM))).of(Read)
    with pytest.raises(FrozenInstanceError):
        event.count = 0


def test_open_classes_are_made_before_a_fork(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever unpickles a recording afterwards has them all."""
    pickled = pickle.dumps(run(PROGRAM, stdout="pipe"))
    frozen.open_all()
    monkeypatch.setattr(frozen, "_open_twin", None)
    assert pickle.loads(pickled).events
