"""Each event's line is the one that made it; what lies about lines changes nothing."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.tracing import lines
from grader.tracing.launch import Zygote
from grader.tracing.program import run as run_traced
from grader.tracing.recording import (
    Closed,
    Ended,
    Event,
    Executed,
    Forked,
    HandlerSet,
    PipeMade,
    Recording,
    SignalSent,
    Slept,
    Stream,
    ThreadStarted,
    WaitBegan,
    Waited,
    Wrote,
)
from tests.conftest import Run
from tests.tracing.test_exactness import story


def _marked(text: str) -> dict[str, int]:
    """The numbers of the lines that end with a comment ``# @name``."""
    text = textwrap.dedent(text)
    return {
        found[1]: number
        for number, line in enumerate(text.split("\n"), 1)
        if (found := re.search(r"# @(\w+)$", line))
    }


def _pipe_writes(run: Recording) -> list[int | None]:
    writes = run.of(Wrote)
    return [event.line for event in writes if not isinstance(event.target, Stream)]


def test_this_interpreter_is_one_of_those_that_are_known() -> None:
    """Its structures are as it says, proven on frames of our own."""
    assert lines.layout() is not None


def test_a_layout_that_does_not_hold_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However it is wrong: no line is better than a wrong one."""
    known = lines.layout()
    assert known is not None
    places = [name for name in known.__slots__ if name != "current"]
    for name in places:
        for by in (8, -8, 1 << 40):
            wrong = {n: getattr(known, n) for n in known.__slots__}
            wrong[name] = max(wrong[name] + by, 0) if wrong[name] + by >= 0 else 1 << 30
            assert not lines._holds(lines.Layout(**wrong)), (name, by)
    monkeypatch.setattr(lines, "_LAYOUTS", {})
    monkeypatch.setattr(lines, "_DEBUG_OFFSETS", {})
    lines.layout.cache_clear()
    try:
        assert lines.layout() is None
    finally:
        lines.layout.cache_clear()


def test_functions_loops_decorators_and_long_calls(run: Run) -> None:
    """A call's line is that where it begins."""
    text = """
        import os
        def noted(function):
            def inner(*arguments):
                os.write(w, b"inner")  # @inner
                return function(*arguments)
            return inner
        @noted
        def work(text):
            os.write(w, text)  # @work
        r, w = os.pipe()  # @pipe
        for n in range(2):
            work(b"%d" % n)
        os.write(  # @long
            w,
            b"".join(
                [b"a", b"b"],
            ),
        )
        [os.write(w, b"x") for _ in "ab"]  # @comprehension
        (lambda: os.write(w, b"y"))()  # @lambda
    """
    recording = run(text, lines=True)
    at = _marked(text)
    assert [event.line for event in recording.of(PipeMade)] == [at["pipe"]]
    names = "inner work inner work long comprehension comprehension lambda"
    assert _pipe_writes(recording) == [at[name] for name in names.split()]


def test_a_handler_s_own_line_not_the_one_it_interrupted(run: Run) -> None:
    """Also where it interrupted a handler."""
    text = """
        import os, signal, time
        def child(number, frame):
            os.waitpid(-1, 0)  # @collect
            os.kill(os.getpid(), signal.SIGUSR1)  # @kill
        def user(number, frame):
            os.close(r)  # @close
        r, w = os.pipe()
        signal.signal(  # @first
            signal.SIGCHLD, child)
        signal.signal(signal.SIGUSR1, user)  # @second
        if os.fork() == 0:  # @fork
            os._exit(0)  # @exit
        time.sleep(5)  # @sleep
    """
    recording = run(text, lines=True)
    at = _marked(text)
    handlers = [e for e in recording.of(HandlerSet) if e.disposition == "handler"]
    assert [event.line for event in handlers] == [at["first"], at["second"]]
    assert [event.line for event in recording.of(Forked)] == [at["fork"]]
    assert [event.line for event in recording.of(Waited)] == [at["collect"]]
    closed = [e for e in recording.of(Closed) if e.pid == recording.root.pid]
    assert [event.line for event in closed] == [at["close"]]
    sent = {event.pid: event.line for event in recording.of(SignalSent)}
    child = recording.root.children[0]
    assert sent == {child.pid: None, recording.root.pid: at["kill"]}
    assert child.ended is not None
    assert child.ended.line == at["exit"]
    assert {event.line for event in recording.of(Slept)} == {at["sleep"]}


def test_library_code_is_told_by_the_line_that_called_it(run: Run) -> None:
    """Subprocess and multiprocessing fork many calls deep, and in children too."""
    text = """
        import multiprocessing, os, subprocess, tempfile
        def work(queue):
            queue.put(os.getpid())  # @put
        def main():
            subprocess.run(["true"], check=True)  # @run
            context = multiprocessing.get_context("fork")
            queue = context.SimpleQueue()  # @queue
            process = context.Process(target=work, args=(queue,))
            process.start()  # @start
            process.join()  # @join
        main()
    """
    recording = run(text, lines=True)
    at = _marked(text)
    assert [e.line for e in recording.of(Forked)] == [at["run"], at["start"]]
    assert at["queue"] in [event.line for event in recording.of(PipeMade)]
    assert at["put"] in [event.line for event in recording.root.children[1].of(Wrote)]
    assert at["join"] in [event.line for event in recording.root.of(WaitBegan)]
    after_exec = recording.root.children[0].events
    index = next(e.index for e in after_exec if isinstance(e, Executed))
    assert all(e.line is None for e in after_exec if e.index > index)


def test_threads_are_told_apart(run: Run) -> None:
    """Also a fork by one of them, whose child has that one alone."""
    text = """
        import os, threading
        r, w = os.pipe()
        def first():
            os.write(w, b"1")  # @first
            if os.fork() == 0:  # @fork
                os.write(w, b"child")  # @child
                os._exit(0)
        def second():
            os.write(w, b"2")  # @second
        threads = [threading.Thread(target=f) for f in (first, second)]
        for thread in threads:
            thread.start()  # @start
        for thread in threads:
            thread.join()
        os.wait()  # @wait
    """
    recording = run(text, lines=True)
    at = _marked(text)
    assert {e.line for e in recording.of(ThreadStarted)} == {at["start"]}
    assert sorted(filter(None, _pipe_writes(recording))) == sorted(
        [at["first"], at["second"], at["child"]]
    )
    assert [event.line for event in recording.of(Forked)] == [at["fork"]]
    collected = [event.line for event in recording.of(Waited) if event.child]
    assert collected == [at["wait"]]


def test_text_that_is_executed_has_the_line_that_executes_it(run: Run) -> None:
    """It stands in no file; where nothing of the file is there, there is no line."""
    text = """
        import os, threading
        r, w = os.pipe()
        exec("\\n\\n\\nos.write(w, b'x')")  # @exec
        names = {"os": os, "w": w}
        exec("def own(): os.write(w, b'y')", names)
        thread = threading.Thread(target=names["own"])
        thread.start()
        thread.join()
    """
    recording = run(text, lines=True)
    assert _pipe_writes(recording) == [_marked(text)["exec"], None]


def test_another_file_with_the_same_lines(tmp_path: Path, run: Run) -> None:
    """What a module of the program's does is done where the program calls it."""
    (tmp_path / "helper.py").write_text(
        "import os\ndef help():\n    return os.pipe()\n", encoding="utf-8"
    )
    text = """
        import helper
        helper.help()  # @call
    """
    recording = run(text, lines=True)
    assert [e.line for e in recording.of(PipeMade)] == [_marked(text)["call"]]


@pytest.mark.parametrize("name", ["größe", "語り", "🐍", "a b"])
def test_files_of_any_name(tmp_path: Path, zygote: Zygote, name: str) -> None:
    """Interpreters hold them in different ways."""
    file = tmp_path / f"{name}.py"
    file.write_text("import os\n\nos.pipe()\n", encoding="utf-8")
    recording = run_traced([str(file)], zygote=zygote, lines=True)
    assert [event.line for event in recording.of(PipeMade)] == [3]


@pytest.mark.parametrize("change", ["os.remove(__file__)", "open(__file__, 'w')"])
def test_a_file_that_is_not_there_any_more(run: Run, change: str) -> None:
    """The lines are those that were compiled."""
    text = f"""
        import os
        {change}
        os.pipe()  # @pipe
    """
    recording = run(text, lines=True)
    assert [event.line for event in recording.of(PipeMade)] == [_marked(text)["pipe"]]


def test_a_program_that_executes_another(run: Run) -> None:
    """Its memory is not known any more, be it Python once more."""
    text = """
        import os, sys
        if os.fork() == 0:
            os.execv(sys.executable, ["python", "-c", "import os; os.pipe()"])
        os.wait()
    """
    recording = run(text, lines=True)
    assert [event.line for event in recording.of(PipeMade)] == [None]


HOSTILE = {
    "another file's name": """
        def f(): return os.pipe()
        f.__code__ = f.__code__.replace(co_filename="<elsewhere>")
        f()
    """,
    "a table of nonsense": """
        def f(): return os.pipe()
        for table in (b"", b"\\x00", b"\\xff" * 5000, bytes(range(256)), b"\\xf0" * 9):
            f.__code__ = f.__code__.replace(co_linetable=table)
            f()
    """,
    "a table without an end": """
        def f(): return os.pipe()
        f.__code__ = f.__code__.replace(co_linetable=b"\\xf8" * (1 << 20))
        f()
    """,
    "a first line far away": """
        def f(): return os.pipe()
        for line in (1, 1 << 30, (1 << 31) - 1):
            f.__code__ = f.__code__.replace(co_firstlineno=line)
            f()
    """,
    "recursion without an end": """
        sys.setrecursionlimit(20000)
        def deeper(n):
            return deeper(n - 1) if n else os.pipe()
        deeper(3000)
        sys.setrecursionlimit(100000)
        exec("def f(n): return f(n - 1) if n else os.pipe()\\nf(2000)", globals())
    """,
    "code that is freed": """
        for n in range(50):
            names = {"os": os}
            exec(compile("\\n" * n + "def f(): os.close(os.dup(1))", __file__, "exec"),
                 names)
            names["f"]()
            del names
    """,
    "frames that are overwritten": """
        import ctypes
        state = ctypes.pythonapi.PyThreadState_Get
        state.restype = ctypes.c_void_p
        at = state()
        libc = ctypes.CDLL(None)
        good = ctypes.string_at(at, 80)
        def lie(place, value):
            ctypes.memmove(at + place, value, 8)
            libc.dup(1)
            ctypes.memmove(at, good, 80)
        # As one call of C: in between no Python code may run.
        for place in (0, 8):
            for value in (b"\\xff" * 8, b"\\x08" + bytes(7), at.to_bytes(8, "little")):
                lie(place, value)
    """,
    "a code object that is overwritten": """
        import ctypes
        def f(): return libc.dup(1)
        libc = ctypes.CDLL(None)
        code = id(f.__code__)
        for place in range(64, 144, 8):
            good = ctypes.string_at(code + place, 8)
            for value in (b"\\xff" * 8, code.to_bytes(8, "little"), bytes(8)):
                if place in (112, 136):
                    ctypes.memmove(code + place, value, 8)
                    f()
                    ctypes.memmove(code + place, good, 8)
    """,
}


@pytest.mark.parametrize("trick", HOSTILE)
def test_what_lies_about_lines_gets_no_more_than_wrong_lines(
    run: Run, trick: str
) -> None:
    """Its run is the same as without them, to the last event."""
    text = "import os, sys\n" + textwrap.dedent(HOSTILE[trick])
    without, told = run(text), run(text, lines=True)
    assert told.ended
    assert told.root.exit_code == 0, told.errors
    assert _without_lines(told) == _without_lines(without)
    assert all(e.line is None or 0 < e.line < 1 << 20 for e in told.events)


def _without_lines(recording: Recording) -> list[object]:
    assert recording.events
    return [tuple(part for part in event) for event in story(_bare(recording))]


def _bare(recording: Recording) -> Recording:
    for event in recording.events:
        object.__setattr__(event, "line", None)
    return recording


def test_a_table_is_read_as_the_interpreter_reads_it() -> None:
    """Line by line, of real functions and of what compiles to strange ones."""
    seen = 0
    todo = [compile(Path(lines.__file__).read_bytes(), "lines.py", "exec")]
    while todo:
        code = todo.pop()
        todo += [const for const in code.co_consts if hasattr(const, "co_lines")]
        for start, end, line in code.co_lines():
            for unit in range(start // 2, end // 2):
                found = lines.line_at(code.co_linetable, code.co_firstlineno, unit)
                assert found == line
                seen += 1
    assert seen > 1000


@given(st.binary(max_size=200), st.integers(-5, 5), st.integers(0, 2000))
def test_any_bytes_are_a_table(table: bytes, first: int, unit: int) -> None:
    """Of some line, or of none."""
    found = lines.line_at(table, first, unit)
    assert found is None or isinstance(found, int)


# What a random program is made of: each writes on known lines, each time one byte.
def _call(body: list[str], expected: list[int], indent: int) -> None:
    expected.append(len(body) + 1)
    body.append(" " * indent + 'os.write(w, b".")')


def _long_call(body: list[str], expected: list[int], indent: int) -> None:
    expected.append(len(body) + 2)
    body += [
        " " * indent + part for part in ("x = (", "os.write(", "w,", 'b"."', "), 1)")
    ]


def _loop(body: list[str], expected: list[int], indent: int) -> None:
    body.append(" " * indent + "for _ in range(2):")
    inner: list[int] = []
    _call(body, inner, indent + 1)
    _call(body, inner, indent + 1)
    expected += inner * 2


def _function(body: list[str], expected: list[int], indent: int) -> None:
    body += ["", " " * indent + "def f():"]
    _call(body, expected, indent + 1)
    body.append(" " * indent + "f()")


def _handler(body: list[str], expected: list[int], indent: int) -> None:
    body.append(" " * indent + "def handler(*_):")
    _call(body, expected, indent + 1)
    body += [
        " " * indent + "signal.signal(signal.SIGUSR1, handler)",
        " " * indent + "os.kill(os.getpid(), signal.SIGUSR1)",
    ]


def _attempt(body: list[str], expected: list[int], indent: int) -> None:
    body += [" " * indent + "try:", " " * indent + " 1 / 0"]
    body.append(" " * indent + "except ZeroDivisionError:")
    _call(body, expected, indent + 1)


def _thread(body: list[str], expected: list[int], indent: int) -> None:
    body.append(" " * indent + "def target():")
    _call(body, expected, indent + 1)
    body.append(" " * indent + "t = threading.Thread(target=target)")
    body.append(" " * indent + "t.start(); t.join()")


def _child(body: list[str], expected: list[int], indent: int) -> None:
    body.append(" " * indent + "if os.fork() == 0:")
    _call(body, expected, indent + 1)
    body += [" " * indent + " os._exit(0)", " " * indent + "os.wait()"]


Part = Callable[[list[str], list[int], int], None]
_PARTS: list[Part] = [
    _call, _long_call, _loop, _function, _handler, _attempt, _thread, _child
]  # fmt: skip


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(parts=st.lists(st.sampled_from(_PARTS), min_size=1, max_size=12))
def test_every_line_of_a_random_program(
    tmp_path: Path, zygote: Zygote, parts: list[Part]
) -> None:
    """Each of its writes has the line on which it stands."""
    body = ["import os, signal, threading", "r, w = os.pipe()"]
    expected: list[int] = []
    for part in parts:
        part(body, expected, 0)
    file = tmp_path / "program.py"
    file.write_text("\n".join(body) + "\n", encoding="utf-8")
    recording = run_traced([str(file)], zygote=zygote, lines=True)
    assert recording.root.exit_code == 0, recording.errors
    assert _pipe_writes(recording) == expected
    ends: list[Event] = [e for e in recording.of(Ended) if e.pid != recording.root.pid]
    assert all(event.line is not None for event in ends)
