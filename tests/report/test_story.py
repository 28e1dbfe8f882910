"""How a run went wrong, in steps: golden files, for each race and each exercise."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from grader.catalog import find
from grader.diagnosis.causes import general
from grader.exploring.choices import Pilot, decode
from grader.exploring.search import Search, flown
from grader.report.story import in_rows, steps
from grader.report.timeline import full, timeline
from grader.session import grade
from grader.tracing.launch import Zygote
from grader.tracing.program import run as run_traced
from grader.tracing.recording import Recording
from grader.tracing.schedule import Schedule, child_first, parent_first
from grader.verdict import Finding
from tests.conftest import Golden, Run

ROOT = Path(__file__).parents[2]
RACES = ROOT / "tests" / "exploring" / "programs"

# The schedule under which each goes wrong, as a search finds it.
CODES = {
    "check_then_act": "x2b",
    "lost_wakeup": "x3b",
    "one_wait_per_signal": "x",
    "two_reapers": "x",
    "waits_before_it_reads": "x5b",
}
WRONG = {
    "exercise1/never_waits": "parent-waits",
    "exercise2/parent_keeps_write_end": "unused-ends-are-closed",
    "exercise3/handler_without_parameters": "",
    "exercise4/one_wait_per_signal": "",
}


def _without_pids(text: str) -> str:
    """Processes are 71, 72 and so on, in the order in which they are told of."""
    known: dict[str, str] = {}
    return re.sub(
        r"\b\d{3,}\b",
        lambda pid: known.setdefault(pid[0], str(71 + len(known))),
        text,
    )


def _told(
    recording: Recording, findings: list[Finding], source: str = ""
) -> tuple[str, ...]:
    text = "\n".join(steps(recording, findings, source.split("\n")))
    for number, process in enumerate(recording.processes):
        text = re.sub(rf"\b{process.pid}\b", str(70 + number), text)
    return tuple(text.split("\n")) if text else ()


# What a process does beside its program is a matter of the interpreter.
same_calls = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="the child ends by other calls"
)


@pytest.mark.parametrize("name", CODES)
def test_races(name: str, golden: Golden, zygote: Zygote) -> None:
    """Each as a search tells it."""
    program = RACES / f"{name}.py"
    recording = run_traced(
        [str(program)],
        schedule=Pilot(decode(CODES[name])).schedule,
        zygote=zygote,
        lines=True,
    )
    told = _told(recording, general(recording), program.read_text())
    golden(f"story-{name}.txt", "".join(f"{step}\n" for step in told))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=same_calls if name == "exercise1/never_waits" else [])
        for name in WRONG
    ],
)
def test_wrong_answers(name: str, golden: Golden) -> None:
    """The first of each one's checks that fails with steps to tell."""
    exercise, _, wrong = name.partition("/")
    program = ROOT / "solutions" / exercise / "wrong" / f"{wrong}.py"
    verdict = grade(find(exercise), program)
    told = next(f.steps for f in verdict.all_findings if f.steps)
    text = "".join(f"{step}\n" for step in told)
    golden(f"story-{exercise}-{wrong}.txt", _without_pids(text))


@pytest.mark.parametrize("name", CODES)
def test_whatever_a_search_finds_is_told(name: str, zygote: Zygote) -> None:
    """With the lines of the program, on any interpreter."""
    program = str(RACES / f"{name}.py")

    def run(schedule: Schedule) -> Recording:
        return run_traced([program], schedule=schedule, zygote=zygote)

    def fails(recording: Recording) -> bool:
        return bool(general(recording))

    found = Search(flown(run), fails, runs=50).search()
    assert found.failure is not None
    again = run_traced(
        [program],
        schedule=Pilot(found.failure.choices).schedule,
        zygote=zygote,
        lines=True,
    )
    told = _told(again, general(again))
    assert "forks 71 " in told[0] or "forks 71 and 72 " in told[0]
    assert len(told) >= 3
    assert all(re.search(r"line \d+|for ever|\b71\b|runs its", step) for step in told)


def test_what_is_not_about_an_order_has_no_steps(run: Run) -> None:
    """Nor has a run in which nothing is wrong."""
    recording = run("import os\nos.fork() and os.wait()\n", lines=True)
    assert steps(recording, []) == ()
    assert steps(recording, [Finding("output-wrong", "it printed something")]) == ()


def test_who_has_nothing_to_do_with_it_is_left_out(run: Run) -> None:
    """A second child that is collected, and pipes that nobody waits at."""
    recording = run(
        """
        import os
        r, w = os.pipe()
        first = os.fork()
        if first == 0:
            spare = os.pipe()
            os.close(spare[0])
            os._exit(0)
        os.waitpid(first, 0)
        os.read(r, 1)
        """,
        lines=True,
    )
    assert _told(recording, general(recording)) == (
        "1. the parent makes the pipe (line 3).",
        "2. the parent waits for ever for data or end of file in the pipe (line 10).",
    )


def test_a_long_story_is_cut_in_the_middle(run: Run) -> None:
    """How much is left out is said."""
    recording = run(
        """
        import os
        r, w = os.pipe()
        s, v = os.pipe()
        if os.fork() == 0:
            os.close(w)
            while os.read(r, 1):
                os.write(v, b"x")
            os._exit(0)
        os.close(v)
        for _ in range(30):
            os.write(w, b"x")
            os.read(s, 1)
        os.read(s, 1)
        """,
        lines=True,
    )
    told = _told(recording, general(recording))
    assert len(told) == 10
    assert re.fullmatch(r"6\. and so on: \d+ more such steps\.", told[5])


def test_what_a_program_writes_does_not_act(run: Run) -> None:
    """Neither its data nor its own words move a cursor."""
    text = """
        import os
        r, w = os.pipe()
        os.write(w, b"\\x1b[2J\\n")  # \x1b[2J \u202e
        while os.read(r, 100):
            pass
        """
    recording = run(text, lines=True)
    told = "".join(_told(recording, general(recording), text))
    assert '"\\x1b[2J\\n"' in told
    assert told.isascii()
    assert told.isprintable()


def test_whatever_a_search_finds_has_steps(run: Run) -> None:
    """What a check says of one order is told by all that happened in it."""
    text = """
        import os

        if os.fork() == 0:
            print("child", flush=True)
            os._exit(0)
        os.wait()
        os.write(1, b"parent")
        """
    recording = run(text, lines=True)
    findings = [Finding("output-wrong", "in this order the lines are others")]
    assert steps(recording, findings) == ()
    recording.schedule = "x4b"
    assert _told(recording, findings) == (
        "1. the parent forks 71 (line 4).",
        '2. 71 prints "child\\n" (line 5) and ends (line 6).',
        '3. the parent collects 71 (line 7), prints "parent" (line 8) and ends.',
    )


def test_a_wait_at_a_pipe_that_nobody_used(run: Run) -> None:
    """It is told as any other, beside pipes that were."""
    recording = run(
        """
        import os, signal
        a, b = os.pipe()
        c, d = os.pipe()
        e, f = os.pipe()
        if os.fork() == 0:
            os.write(b, b"1")
            os.write(d, b"2")
            os.read(e, 1)
        os.read(a, 1)
        os.read(c, 1)
        signal.pause()
        """
    )
    recording.schedule = "x"
    told = _told(recording, [Finding("never-ends", "it waits for ever")])
    assert "71 waits for ever for data or end of file in pipe 3" in told[-1]


def test_a_handler_that_is_taken_back(run: Run) -> None:
    """It is told, and what becomes of a signal that comes then."""
    recording = run(
        """
        import os, signal
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if os.fork() == 0:
            os._exit(0)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.pause()
        """,
        schedule=child_first,
        lines=True,
    )
    told = _told(recording, general(recording))
    assert (
        "handles SIGCHLD from now on (line 3), handles SIGCHLD no more (line 4)"
        in (told[0])
    )
    assert "its SIGCHLD is lost, since the parent does not handle it now" in told[1]


INTERRUPTED = """
    import os, signal
    def hear(number, frame):
        pass
    signal.signal(signal.SIGUSR1, hear)
    {setting}
    r, w = os.pipe()
    parent = os.getpid()
    if os.fork() == 0:
        os.kill(parent, signal.SIGUSR1)
        os._exit(0)
    os.read(r, 1)
"""


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "3. the parent runs its handler for SIGUSR1."),
        (
            "signal.siginterrupt(signal.SIGUSR1, False)",
            "3. the parent gets SIGUSR1; its handler waits for the call's end.",
        ),
    ],
)
def test_a_handler_in_python_waits_for_a_call_that_goes_on(
    run: Run, setting: str, said: str
) -> None:
    """Where the signal does not interrupt it: siginterrupt(3)."""
    recording = run(INTERRUPTED.format(setting=setting), schedule=parent_first)
    assert said in _told(recording, general(recording))


def test_a_blocked_signal(run: Run) -> None:
    """Whoever sends it is told to send it to one who blocks it."""
    blocks = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])"
    recording = run(INTERRUPTED.format(setting=blocks))
    told = "".join(_told(recording, general(recording)))
    assert "71 sends SIGUSR1 to the parent, which blocks it" in told
    assert "runs its handler" not in told


def test_an_end_in_two_steps(zygote: Zygote) -> None:
    """It is told where somebody saw it, with what was asked in between."""
    program = RACES / "asks_at_end_of_file.py"
    recording = run_traced(
        [str(program)], schedule=Pilot(decode("x7a")).schedule, zygote=zygote
    )
    told = "".join(_told(recording, general(recording)))
    assert "71 writes 5 bytes" in told or "and is about to end" in told
    assert "asks for a child that has ended: none has ended" in told


def test_questions_are_counted(run: Run) -> None:
    """A handler that asks until its children have ended is told in few words."""
    program = ROOT / "solutions" / "exercise4" / "wrong" / "polls_in_handler.py"
    recording = run(
        program.read_text().replace("if len(sys.argv) > 1 else 1", "if 0 else 2"),
        schedule=parent_first,
        lines=True,
    )
    told = _told(recording, [Finding("handler-blocks", "it waited")])
    asks = [step for step in told if "asks 200 times for a child" in step]
    assert len(asks) == 1
    assert sum("asks 200 times who has ended" in line for line in timeline(recording))


# Waits that leave a zombie, by what they ask, and how that is told.
IN_VAIN = {
    "os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)": (
        "looks at 71, which has ended: WNOWAIT leaves it a zombie"
    ),
    "os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)": (
        "looks at 71, which has ended: WNOWAIT leaves it a zombie"
    ),
    "os.waitpid(os.getpid(), 0)": (
        "asks for the end of itself, which is no child of its own"
    ),
    "os.waitpid(os.getppid(), 0)": "which is no child of its own",
    "os.waitid(os.P_PGID, os.getppid(), os.WEXITED)": (
        "asks for a child that has ended: it asks for none of its own"
    ),
}


@pytest.mark.parametrize("wait", IN_VAIN)
def test_a_wait_that_leaves_a_zombie(run: Run, wait: str) -> None:
    """It is told what it asked for and did not get, and not that nobody had ended."""
    recording = run(
        f"""
        import os, time
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        time.sleep(1)
        try:
            {wait}
        except ChildProcessError:
            pass
        """
    )
    told = "".join(_told(recording, general(recording)))
    assert IN_VAIN[wait] in told
    assert "none has ended" not in told
    assert "any more" not in told
    looks = [line for line in timeline(recording) if "leaves it a zombie" in line]
    assert len(looks) == ("WNOWAIT" in wait)
    assert not any("none has ended" in line for line in full(recording))


def test_a_question_before_an_orphan_is_left(run: Run) -> None:
    """Who asked, and did not wait, is told both."""
    recording = run(
        """
        import os
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, os.WNOHANG)
        """,
        schedule=parent_first,
        lines=True,
    )
    told = _told(recording, general(recording))
    asks = "asks for a child that has ended: none has ended, and WNOHANG does not wait"
    assert f"{asks} (line 6) and ends" in told[0]


def test_a_wait_for_one_who_is_collected(run: Run) -> None:
    """It is told so, and of who never forked that it has none."""
    recording = run(
        """
        import os
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
            kept = os.fork()
            if kept == 0:
                os._exit(0)
        try:
            os.waitpid(pid or -1, 0)
        except ChildProcessError:
            pass
        """
    )
    told = "".join(_told(recording, general(recording)))
    assert "asks for a child that has ended: 71 is collected already" in told
    assert "asks for a child that has ended: it has none" in told


def test_a_lock_that_a_process_waits_for_until_it_is_killed(run: Run) -> None:
    """A handler that takes what the handler below it holds."""
    recording = run(
        """
        import os, signal, threading
        lock = threading.Lock()
        def hear(number, frame):
            with lock:
                os.kill(os.getpid(), signal.SIGUSR1)
        signal.signal(signal.SIGUSR1, hear)
        if os.fork() == 0:
            os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.wait()[0], 0)
        """,
        schedule=parent_first,
    )
    child = recording.root.children[0]
    recording.stuck = None  # as where it is killed then
    told = _told(recording, [Finding("handler-blocks", f"{child.pid} waits")])
    assert any("waits for a lock or a thread" in step for step in told)


@pytest.mark.parametrize(
    ("phrases", "told"),
    [
        ("", ""),
        ("abc", "abc"),
        ("abab", "abab"),
        ("ababab", ["a and b (3 times in a row)"]),
        ("xabababay", ["x", "a and b (3 times in a row)", "a", "y"]),
        ("aaab", ["a (3 times in a row)", "b"]),
        ("abcabcabcabc", ["a, b and c (4 times in a row)"]),
    ],
)
def test_what_comes_again_in_turns_is_told_once(
    phrases: str, told: str | list[str]
) -> None:
    """From the third time on, and nothing of it is lost."""
    assert in_rows([*phrases]) == [*told]
