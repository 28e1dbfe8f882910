"""Who collects because of a signal, and who waits or looks beside its handler."""

from __future__ import annotations

import pytest

from grader.diagnosis import handlers
from grader.tracing.schedule import parent_first
from tests.conftest import Run

# A handler and a child, beside other threads; the child ends within a second, or so.
BESIDE = """
    import os, queue, signal, threading, time
    told = queue.SimpleQueue()
    def handle(number, frame):
        told.put(None)
    def collect():
        COLLECT
    signal.signal(signal.SIGCHLD, handle)
    if os.fork() == 0:
        time.sleep(0.75)
        os._exit(0)
    threading.Thread(target=collect, daemon=True).start()
    MAIN
    os._exit(0)
"""
LOOKS = "while not os.waitpid(-1, os.WNOHANG)[0]: time.sleep(0.5)"
IDLE = "threading.Event().wait()"
REST = "time.sleep(9)"


def _program(collect: str, main: str) -> str:
    return BESIDE.replace("COLLECT", collect).replace("MAIN", main)


@pytest.mark.parametrize(
    ("collect", "main", "told"),
    [
        (IDLE, "os.wait()", "waited for the child"),
        (IDLE, LOOKS, "the main program slept on"),
        ("os.wait()", REST, "waited for the child"),
        (LOOKS, REST, "another thread slept on"),
    ],
)
def test_who_waits_beside_its_handler(
    run: Run, collect: str, main: str, told: str
) -> None:
    """In whichever thread, and whichever others there are."""
    (finding,) = handlers.idle(run(_program(collect, main), schedule=parent_first))
    assert finding.id == "handler-idle"
    assert told in finding.message


@pytest.mark.parametrize(
    ("collect", "main"),
    [
        ("told.get(); os.wait()", REST),
        ("told.get(); time.sleep(0.5); os.wait()", REST),
        ("told.get(timeout=5); os.wait()", REST),
        ("time.sleep(0.5); told.get(); os.wait()", REST),
        (IDLE, "told.get(); os.wait()"),
    ],
)
def test_who_is_told_by_its_handler(run: Run, collect: str, main: str) -> None:
    """It collects at once, or when it sees fit: because of the signal."""
    recording = run(_program(collect, main), schedule=parent_first)
    assert recording.root.children[0].collected is not None
    assert handlers.idle(recording) == []
    assert handlers.blocks(recording) == []


# Two children; the first one's end has a handler, and the second one lives on.
TWO = """
    import os, signal, threading, time
    def handle(number, frame):
        told.set()
        HANDLER
    def work():
        WORK
    told = threading.Event()
    signal.signal(signal.SIGCHLD, handle)
    for seconds in (1, 9):
        if os.fork() == 0:
            time.sleep(seconds)
            os._exit(0)
    threading.Thread(target=work, daemon=True).start()
    MAIN
    os._exit(0)
"""


@pytest.mark.parametrize(
    ("handler", "work", "main"),
    [
        # A thread waits for the second child.
        ("pass", "told.wait(); os.wait(); os.wait()", "time.sleep(20)"),
        # It sleeps often, while the main program looks twice.
        (
            "os.wait(); os.waitpid(-1, os.WNOHANG)",
            "while True: time.sleep(0.1)",
            "time.sleep(4); os.waitpid(-1, os.WNOHANG); time.sleep(20)",
        ),
    ],
)
def test_what_another_thread_does_is_no_handler_s(
    run: Run, handler: str, work: str, main: str
) -> None:
    """Python runs handlers in the first thread."""
    program = TWO.replace("HANDLER", handler).replace("WORK", work)
    program = program.replace("MAIN", main)
    assert handlers.blocks(run(program, schedule=parent_first)) == []
