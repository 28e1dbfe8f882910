"""What is said of any program, without knowing what it was to do."""

from __future__ import annotations

import re

import pytest

from grader.checking import CheckFailed, assert_that
from grader.diagnosis.causes import causes, general
from grader.diagnosis.finding import found
from grader.diagnosis.processes import child_count, orphans, zombies
from grader.diagnosis.texts import all_ids, text
from grader.tracing.limits import Limits
from grader.tracing.schedule import Schedule, child_first, parent_first
from tests.conftest import Run

PROGRAMS = {
    "deadlock": """
        import os
        r, w = os.pipe()
        os.read(r, 1)
    """,
    "zombie-left": """
        import os, time
        if os.fork() == 0:
            os._exit(0)
        time.sleep(1)
    """,
    "orphan-left": """
        import os, time
        if os.fork() == 0:
            time.sleep(1)
    """,
    "busy-wait": "while True: pass",
    "uncaught-exception": "import os; os.wait()",
    "killed-by-signal": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "forbidden-call": "import os; os.kill(os.getppid(), 9)",
    "too-many-processes": "import os\nwhile True: os.fork()",
    "too-much-output": "while True: print('x' * 10_000)",
    "too-much-memory": "x = bytearray(1 << 30)",
    "too-many-threads": """
        import threading
        wait = threading.Event().wait
        while True:
            threading.Thread(target=wait).start()
    """,
    "too-many-descriptors": "import os\nx = []\nwhile True: x.append(os.pipe())",
    "too-many-files": "import os\nn = 0\nwhile True: os.mkdir(str(n)); n += 1",
    "too-much-written": """
        file = open("file", "wb")
        while True:
            file.write(bytes(1 << 20))
    """,
    "never-ends": "input()",
}


# What follows from the fault, and is told beside it.
ALSO = {"busy-wait": ("never-ends",), "forbidden-call": ("uncaught-exception",)}


@pytest.mark.parametrize("diagnosis", PROGRAMS)
def test_a_fault_is_named(run: Run, diagnosis: str) -> None:
    """Each program gets the diagnosis of its fault."""
    found = general(run(PROGRAMS[diagnosis]))
    assert {finding.id for finding in found} == {diagnosis, *ALSO.get(diagnosis, ())}


# What a limit's message says of a program that goes over it.
TOLD = {
    Limits(processes=3): (
        "import os, signal\nfor _ in range(9): os.fork() or signal.pause()",
        "the program had made 4 processes, 4 were alive at once, and 3 may be",
    ),
    Limits(memory_mib=64): (
        "x = b'1' * (1 << 30)",
        (
            "the program PID wanted more memory: with that the program's processes "
            "would hold SIZE MiB together, and 64 MiB may be"
        ),
    ),
    Limits(descriptors=10): (
        "import os\nx = []\nwhile True: x.append(os.dup(0))",
        "the program PID had 10 descriptors open and wanted more, and 10 may be",
    ),
    Limits(files=2): (
        "for n in range(9): open(str(n), 'w')",
        "the program PID was about to make the program's file number 3, and 2 may be",
    ),
    Limits(file_bytes=1 << 20): (
        "open('file', 'wb').write(bytes(2 << 20))",
        (
            "the program PID wrote to a file: with that the program would have written "
            "2 MiB to files, and 1 MiB may be"
        ),
    ),
    Limits(output_bytes=100): (
        "import os\nos.write(1, bytes(300))",
        (
            "the program had printed 100 bytes, 100 may be, and the program PID went "
            "on printing"
        ),
    ),
    Limits(cpu_seconds=0.2, busy_seconds=9): (
        "n = 0\nwhile True: n += 1",
        (
            "the program did not end: the program computed for SIZE seconds of the "
            "processor's time, and 0.2 may be"
        ),
    ),
    Limits(virtual_seconds=60): (
        "import time\ntime.sleep(100)",
        (
            "the program did not end: the program PID waits until SIZE seconds after "
            "the program's start, and the program may last 60"
        ),
    ),
    Limits(events=100): (
        "import os\nr, w = os.pipe()\nwhile os.write(w, b'x'): os.read(r, 1)",
        "the program did not end: the program made 101 system calls, and 100 may be",
    ),
    Limits(real_seconds=0.1, busy_seconds=9): (
        "n = 0\nwhile True: n += 1",
        (
            "the program did not end: the program ran for 0.1 seconds of real time, "
            "and no more was left to it"
        ),
    ),
}


@pytest.mark.parametrize("limits", TOLD)
def test_a_limit_is_told_with_its_value(run: Run, limits: Limits) -> None:
    """Which limit it was, how much may be, and what the program did."""
    program, message = TOLD[limits]
    (finding,) = general(run(program, limits=limits))
    pattern = re.escape(f"{message}, so it was ended")
    pattern = pattern.replace("PID", r"\d+").replace("SIZE", r"[\d.]+")
    assert re.fullmatch(pattern, finding.message), finding.message


LEFT = """
import os, time
if os.fork():
    os._exit(0)
REST
"""


@pytest.mark.parametrize(
    ("rest", "limits", "what"),
    [
        (
            "time.sleep(100)",
            Limits(virtual_seconds=60),
            (
                r"the child \d+ waits until 100 seconds after the program's start, and "
                "the program may last 60"
            ),
        ),
        (
            "n = 0\nwhile True: n += 1",
            Limits(cpu_seconds=0.2, busy_seconds=9),
            (
                r"the program computed for [\d.]+ seconds of the processor's time, and "
                "0.2 may be"
            ),
        ),
    ],
)
def test_a_program_that_is_left_by_its_first_process(
    run: Run, rest: str, limits: Limits, what: str
) -> None:
    """It is told who ended and who did not."""
    program = LEFT.replace("REST", rest)
    (finding,) = general(run(program, limits=limits, schedule=parent_first))
    who = r"the parent \d+ ended, and the child \d+ did not"
    assert re.fullmatch(f"{who}: {what}, so it was ended", finding.message)


REFUSED = """
import os, signal
def handle(*_):
    os.kill(os.getppid(), signal.SIGTERM)
signal.signal(signal.SIGUSR1, handle)
"""


def test_a_refusal_comes_before_what_follows_from_it(run: Run) -> None:
    """Whatever else a check has seen, and in whatever way the run ended."""
    dies = run(f"{REFUSED}os.kill(os.getpid(), signal.SIGUSR1)")
    seen = found("handler-reenters", "it died within its handler", dies)
    with pytest.raises(CheckFailed) as failure:
        assert_that(dies).holds_alone([seen])
    told = [finding.id for finding in failure.value.findings]
    assert told == ["forbidden-call", "handler-reenters"]
    goes_on = """
try:
    handle()
except PermissionError:
    while True: os.write(1, b"")
"""
    endless = run(REFUSED + goes_on, limits=Limits(events=500))
    assert [one.id for one in causes(endless)] == ["forbidden-call", "never-ends"]


def test_the_line_of_a_limit_is_told(run: Run) -> None:
    """Where the program asked for what was too much."""
    program = "x = []\nx.append(bytearray(1 << 30))\n"
    (finding,) = general(run(program, lines=True))
    assert finding.line == 2


def test_a_program_that_awaits_a_signal_is_no_fault(run: Run) -> None:
    """A server runs until somebody ends it."""
    assert general(run("import signal; signal.pause()")) == []


def test_a_right_program_gets_none(run: Run) -> None:
    """Nothing is said of a program that forks, waits and ends."""
    recording = run("import os\nif os.fork() == 0: os._exit(0)\nos.wait()")
    assert general(recording) == []


@pytest.mark.parametrize("diagnosis", all_ids())
def test_every_diagnosis_has_a_whole_text(diagnosis: str) -> None:
    """Title, meaning, reason, cure and something to read."""
    known = text(diagnosis)
    assert known.title
    assert known.meaning
    assert known.why.endswith(".")
    assert known.cure
    assert known.read


COLOURED = """
import sys
for line in (
    "Traceback (most recent call last):",
    '  File \\x1b[35m"p.py"\\x1b[0m, line \\x1b[35m2\\x1b[0m',
    "\\x1b[1;31mChildProcessError\\x1b[0m: none",
):
    print(line, file=sys.stderr)
sys.exit(1)
"""


# What a parent does before its end that may have been meant as a wait for its child,
# which sleeps so long first; what is said of it, and what to do.
MEANT_AS_WAIT = {
    ("os.waitpid(pid, os.WNOHANG)", 1): ("asked at line 9 with WNOHANG", "Ask without"),
    ("os.waitpid(-1, os.WNOHANG)", 1): ("asked at line 9 with WNOHANG", "Ask without"),
    ("os.waitpid(-1, os.WNOHANG); time.sleep(2)", 1): ("WNOHANG", "Ask without"),
    ("os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)", 0): (
        "wait at line 9 only looked, since WNOWAIT",
        "Leave WNOWAIT out",
    ),
    ("os.waitpid(os.getpid(), 0)", 0): (
        "asked at line 9 for itself, which is no child of its own",
        "Ask for the pid that fork returned",
    ),
    ("os.waitpid(os.getppid(), 0)", 1): (
        ", which is no child of its own",
        "Ask for the pid that fork returned",
    ),
    ("time.sleep(0)", 1): ("", ""),
    ("time.sleep(2)", 1): ("it ended too without a wait for it", ""),
    ("signal.signal(17, print); os.waitpid(pid, os.WNOHANG)", 1): ("", ""),
    ("os.waitpid(os.fork() or os._exit(0), 0)", 1): ("", ""),
    ("os.waitpid(os.fork() or time.sleep(9) or 1, os.WNOHANG)", 2): ("", ""),
}


@pytest.mark.parametrize(("wait", "sleeps"), MEANT_AS_WAIT)
def test_a_wait_that_was_none(run: Run, wait: str, sleeps: int) -> None:
    """Of who leaves a child, zombie or orphan, it is told what its wait did instead."""
    recording = run(
        f"""import os, signal, time
pid = os.fork()
if pid == 0:
    time.sleep({sleeps})
    os._exit(0)
if not {sleeps}:
    time.sleep(1)
try:
    {wait}
except ChildProcessError:
    pass
""",
        lines=True,
    )
    (finding, *_) = [*zombies(recording), *orphans(recording)]
    said, cure = MEANT_AS_WAIT[wait, sleeps]
    assert said in finding.message
    assert said or not re.search("WNO|no child of", finding.message)
    assert finding.cure.startswith(cure)
    assert bool(cure) == bool(finding.cure)


# What a child does first, and what both processes do then; whether the child, which
# dies of it, has run on into its parent's part.
THEN = "os.waitpid(pid, 0)"
IN_BOTH = [
    ("pass", THEN, True),
    ("pass", "os.wait()", True),
    ("sys.stdout.flush()", "pid and time.sleep(1)\nos.wait()", True),
    ("pass", "try:\n    pid or sys.exit(0)\nfinally:\n    os.waitpid(pid, 0)", True),
    ("pass", "for pid in pids: os.waitpid(pid, 0)", True),
    ("pass", "for pid in pids[:1]: os.waitpid(pid, 0)", True),
    ("os.waitpid(os.getppid(), 0)", THEN, False),
    ("os.wait()", "pass", False),
    ("os.wait()", THEN, False),
    ("os.waitpid(os.fork() or os._exit(0), 0); os.wait()", "os.wait()", False),
    ("raise ChildProcessError", THEN, False),
    ("os.kill(0, 0); raise ValueError", THEN, False),
]


@pytest.mark.parametrize("schedule", [parent_first, child_first], ids=lambda s: s.name)
@pytest.mark.parametrize(("first", "then", "runs_on"), IN_BOTH)
def test_a_child_that_waits_as_its_parent_does(
    run: Run, first: str, then: str, runs_on: bool, schedule: Schedule
) -> None:
    """It has run on, and that is told before what it died of."""
    recording = run(
        f"""import os, sys, time
pids = [os.fork()]
if pids[0]:
    pids.append(os.fork())
pid = pids[-1]
if pid == 0:
    {first}
{then}
""",
        schedule=schedule,
    )
    told = [finding.id for finding in causes(recording)]
    assert "uncaught-exception" in told
    assert told.count("child-escaped") == runs_on
    assert not runs_on or told[0] == "child-escaped"


def test_a_line_that_a_child_printed_as_it_ran_on(run: Run) -> None:
    """It tells more than what the child died of, and stands in its place."""
    recording = run("import os\npid = os.fork()\nprint('done')\nos.waitpid(pid, 0)")
    printed = found("child-escaped", "the child printed 'done'", recording)
    missing = found("wrong-pid", "the parent printed 'done'", recording)
    with pytest.raises(CheckFailed) as failure:
        assert_that(recording).holds([missing, printed])
    told = failure.value.findings
    assert told[0] == printed
    assert [f.id for f in told[1:]] == ["uncaught-exception", "wrong-pid"]


@pytest.mark.parametrize("program", ["import os\nos.wait()", COLOURED])
def test_an_exception_is_named_whatever_its_colours(run: Run, program: str) -> None:
    """From 3.13 on the interpreter colours what it prints on a terminal."""
    (finding,) = general(run(program))
    assert "died of ChildProcessError: " in finding.message
    assert finding.line == 2


@pytest.mark.parametrize(
    "last",
    [
        "KeyboardInterrupt",
        # As what is ignored at the interpreter's end is printed.
        "KeyboardInterrupt: ",
        # As the interpreter shows it where it cannot print it.
        "object repr     : KeyboardInterrupt()",
        "object repr     : KeyboardInterrupt('')",
    ],
)
def test_an_exception_without_text_is_its_name_alone(run: Run, last: str) -> None:
    """No colon stands behind it that nothing follows."""
    lines = f"Traceback (most recent call last):\n{last}\n"
    (finding,) = general(run(f"import os\nos.write(2, {lines!r}.encode())\nexit(1)"))
    assert finding.message.endswith("died of KeyboardInterrupt")


LOST = """
    import os, signal
    told = False
    def hear(number, frame):
        global told
        told = True
    signal.signal(signal.SIGUSR1, hear)
    {blocks}
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.kill(parent, signal.SIGUSR1)
        os._exit(0)
    while {looks}:
        signal.pause()
    {then}
    os.waitpid(pid, 0)
"""
BLOCKS = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])"


def test_a_signal_that_came_before_the_wait(run: Run) -> None:
    """It is told with the cure, and so is one that is blocked."""
    came = LOST.format(blocks="", looks="True", then="")
    told = [f for f in general(run(came, schedule=child_first)) if f.id == "never-ends"]
    assert "SIGUSR1 came before it began to wait" in told[0].message
    assert "`signal.sigwait`" in told[0].message
    blocked = LOST.format(blocks=BLOCKS, looks="not told", then="")
    told = [f for f in general(run(blocked)) if f.id == "never-ends"]
    assert "SIGUSR1 came, and it blocks that" in told[0].message


def test_a_signal_that_came_in_time(run: Run) -> None:
    """Who waits for the next one may be right to."""
    serves = LOST.format(blocks="", looks="not told", then="signal.pause()")
    assert [f.id for f in general(run(serves, schedule=parent_first))] == [
        "zombie-left"
    ]


# A program whose worker is started by the library in one way, and then `END`.
WORKER = """
    import multiprocessing, os, time
    def work():
        time.sleep(1)
    if __name__ == "__main__":
        worker = multiprocessing.get_context("HOW").Process(target=work)
        worker.start()
        END
"""


def test_a_library_s_helper_is_no_child(run: Run) -> None:
    """It outlives the program on purpose; the worker beside it may not."""
    program = WORKER.replace("HOW", "spawn")
    joined = run(program.replace("END", "worker.join()"))
    assert len(joined.root.forked) == 2
    assert len(joined.root.children) == 1
    assert [*orphans(joined), *zombies(joined), *child_count(joined, 1)] == []
    left = run(program.replace("END", "os._exit(0)"))
    (finding,) = orphans(left)
    assert f"the child {left.root.children[0].pid} was" in finding.message


def test_a_helper_s_child_is_not_the_program_s(run: Run) -> None:
    """Whoever is forked by a server is that one's child, and a worker, no helper."""
    program = WORKER.replace("HOW", "forkserver").replace("END", "worker.join()")
    recording = run(program)
    assert recording.root.children == []
    assert len(list(recording.root.descendants())) == 1
    (finding,) = child_count(recording, 1)
    assert finding.id == "no-child"
    assert "left that to the helper" in finding.message


# What the library's helpers are started with, by somebody else; `START` executes it.
IMPOSTOR = """
    import os, sys, time
    told = "from multiprocessing.resource_tracker import main;main(5)"
    with open("tool", "w") as tool:
        tool.write("#!/bin/sh\\nsleep 1\\n")
    os.chmod("tool", 0o700)
    if os.fork() == 0:
        START
    """


@pytest.mark.parametrize(
    "how",
    [
        'os.execv("./tool", ["python", "-c", told])',
        'os.execv("/bin/sleep", ["1", "-c", told])',
        'os.execv(sys.executable, ["python", "-c", told + " or print(1)"])',
        'os.execv(sys.executable, ["python", "-c", told.replace("5", "print()")])',
        "os._exit(0)",
    ],
)
def test_who_only_looks_like_a_helper_is_a_child(run: Run, how: str) -> None:
    """Another program, or one that does more; and it is left behind."""
    recording = run(IMPOSTOR.replace("START", how), schedule=parent_first)
    assert len(recording.root.children) == 1
    assert [*orphans(recording), *zombies(recording)]


@pytest.mark.parametrize(("stdout", "into"), [("terminal", ""), ("pipe", " | cat")])
def test_how_the_program_was_started_is_told(run: Run, stdout: str, into: str) -> None:
    """As one would type it, so that whoever reads it can see the same."""
    text = "import os\nos.write(1, b'x')\nos.wait()"
    (finding,) = general(run(text, "0", "a b", stdout=stdout))
    name, arguments = finding.command.split(" ", 1)
    assert name.endswith(".py")
    assert arguments == "0 'a b'" + into
