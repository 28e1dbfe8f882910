"""The same schedule gives the same events in the same order, every time."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from grader.tracing.recording import Recording, Waiting, Wrote
from grader.tracing.schedule import SCHEDULES, Schedule, pairs, parent_first, seeded
from grader.tracing.zygote import compiled
from tests.conftest import Run

_PIDS = {"pid", "child", "target", "parent", "tid", "member", "group"}


def story(recording: Recording) -> list[tuple[Any, ...]]:
    """Every event with every field, and ids that count instead of those of one run."""
    numbers: dict[int, int] = {}

    def plain(name: str, value: Any) -> Any:
        if isinstance(value, Waiting):
            return tuple(plain(f.name, getattr(value, f.name)) for f in fields(value))
        if name in _PIDS and isinstance(value, int) and value > 0:
            return numbers.setdefault(value, len(numbers) + 1)
        return value

    return [
        (type(event).__name__, *(plain(f.name, getattr(event, f.name)) for f in of))
        for event in recording.events
        if (of := fields(event))
    ]


@pytest.mark.parametrize(
    "schedule",
    [*SCHEDULES.values(), seeded(1), seeded(2), pairs(1)],
    ids=lambda s: s.name,
)
def test_a_run_is_repeated_exactly(run: Run, schedule: Schedule) -> None:
    """Pipes, sleeps, signals and their handlers, four processes: event by event."""
    text = """
        import os, signal, sys, time
        def handler(number, frame):
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return
                if pid == 0:
                    return
                print("collected", status >> 8)
        signal.signal(signal.SIGCHLD, handler)
        r, w = os.pipe()
        for n in range(3):
            if os.fork() == 0:
                os.close(r)
                for i in range(5):
                    os.write(w, b"%d" % n)
                    time.sleep(n / 100)
                os._exit(n)
        os.close(w)
        while data := os.read(r, 3):
            print(len(data))
        """
    first, *others = [story(run(text, schedule=schedule)) for _ in range(3)]
    assert len(first) > 50
    assert all(other == first for other in others)


def test_how_fast_a_program_computes_changes_nothing(run: Run) -> None:
    """However long it is between two calls, whose turn it is does not change."""
    text = """
        import os, sys
        if os.fork() == 0:
            os.write(1, b"child ")
            os._exit(0)
        for i in range(int(sys.argv[1])):
            pass
        os.write(1, b"parent ")
        os.wait()
        """
    for amount in ("10", "1000000", "3000000"):
        recording = run(text, amount, schedule=parent_first)
        order = [event.data for event in recording.of(Wrote)]
        assert order == [b"parent ", b"child "], amount


def test_the_order_of_a_set_is_no_luck(run: Run) -> None:
    """Hashes of strings are the same in each run, PYTHONHASHSEED."""
    text = "print({'one', 'two', 'three', 'four', 'five'})"
    assert len({run(text).output for _ in range(3)}) == 1


def test_a_program_that_is_compiled_once_for_all_runs(run: Run) -> None:
    """It does the same, down to its tracebacks, whatever became of its file."""
    text = """
import os, sys
def fails():
    assert os.path.basename(sys._getframe().f_code.co_filename) == "program.py"
    raise KeyError(__file__, __name__, sys.argv)
fails()
"""
    plain = run(text)
    assert b"KeyError" in plain.errors
    code = compiled(text.encode(), "otherwise.py")
    assert story(run(text, code=code)) == story(plain)
    moved = run("print(1)", code=code)
    assert b"KeyError" in moved.errors and moved.output == b""


def test_what_cannot_be_compiled_says_so_itself(run: Run) -> None:
    """As a program does, in its run."""
    assert compiled(b"if", "program.py") == b""
    assert b"SyntaxError" in run("if", code=compiled(b"if", "program.py")).errors
