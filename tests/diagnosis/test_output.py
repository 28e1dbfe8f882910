"""Lines that an exercise asks for, and what was printed instead."""

from __future__ import annotations

import pytest

from grader.diagnosis.output import absent, all_lines, ended_by, escaped, mixed
from tests.conftest import Run


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("pass", "the program PID should print 'ready', and it did not"),
        (
            "import sys; print('ready ', file=sys.stderr)",
            (
                "the program PID should print 'ready', and it did not: the program PID "
                "wrote it to standard error"
            ),
        ),
        (
            "import os; os.fork() and os.wait() or print('ready')",
            (
                "the parent PID should print 'ready', and it did not: the child PID "
                "printed it"
            ),
        ),
        (
            "print('Ready!')",
            (
                "the program PID should print 'ready', and the program PID printed "
                "'Ready!'"
            ),
        ),
    ],
)
def test_where_a_missing_line_went(run: Run, program: str, told: str) -> None:
    """It is told who printed it instead, or where it was printed."""
    recording = run(program)
    (finding,) = absent(recording, "ready", recording.root)
    message = finding.message
    for process in recording.processes:
        message = message.replace(str(process.pid), "PID")
    assert message == told


READY = "print('ready', flush=True)"
OPEN = "print('...', end='', flush=True)"


@pytest.mark.parametrize(
    ("child", "parent", "told"),
    [
        (READY, READY, None),
        (f"{READY}; {OPEN}", "print()", None),
        (OPEN, f"print(); {READY}", None),
        ("print('  ', end='', flush=True)", READY, None),
        (OPEN, READY, "PARENT printed 'ready' on a line that CHILD had begun with"),
        (
            "pass",
            "print('ready', end='', flush=True)",
            "PARENT printed 'ready' and left the line open, and CHILD printed 'behind'",
        ),
    ],
)
def test_lines_of_two_processes_that_are_one(
    run: Run, child: str, parent: str, told: str | None
) -> None:
    """Who left a wanted line open is told, or who had begun the line that it is on."""
    recording = run(
        f"""
        import os
        if os.fork() == 0:
            {child}
            os._exit(0)
        os.wait()
        {parent}
        if os.fork() == 0:
            print("behind")
            os._exit(0)
        os.wait()
        """.replace("os._exit(0)", "raise SystemExit")
    )

    def is_ready(line: str) -> bool:
        return line == "ready"

    found = mixed(recording, recording.root, is_ready, is_ready)
    messages = [finding.message for finding in found]
    for name, process in zip(
        ("PARENT", "CHILD", "CHILD"), recording.processes, strict=True
    ):
        part = "child" if name == "CHILD" else "parent"
        messages = [m.replace(f"the {part} {process.pid}", name) for m in messages]
    assert [message.startswith(told or "") for message in messages] == [True] * bool(
        told
    )


# Who prints the line "here" of the process WRITER, and what that is told to be done.
PRINTED_BY_ANOTHER = {
    ("root", 1): "Let the child print its line itself",
    (1, "root"): "",
    (2, 1): "Fork once",
    (1, 3): "",
}


@pytest.mark.parametrize(("printer", "writer"), PRINTED_BY_ANOTHER)
def test_the_cure_for_a_line_of_another_process(
    run: Run, printer: int | str, writer: int | str
) -> None:
    """It fits who printed it, and whose it is: parent, child, its child, a brother."""
    number = 0 if printer == "root" else printer
    recording = run(
        f"""
        import os
        number = 0
        if os.fork() == 0:
            number = 1
            if os.fork() == 0:
                number = 2
            else:
                os.wait()
        else:
            os.wait()
            if os.fork() == 0:
                number = 3
            else:
                os.wait()
        if number == {number}:
            print("here")
        """
    )
    (line,) = all_lines(recording)
    process = recording.processes[0 if writer == "root" else int(writer)]
    finding = escaped(recording, line, process)
    cure = PRINTED_BY_ANOTHER[printer, writer]
    assert bool(finding.cure) == bool(cure)
    assert finding.cure.startswith(cure)


def test_a_line_is_ended_by_one_write(run: Run) -> None:
    """The one that its end is in, or the last one."""
    recording = run(
        "import os\nfor part in (b'a', b'b\\nc\\n', b'd'): os.write(1, part)"
    )
    lines = [(line, event.data) for line, event in ended_by(recording.root)]
    assert lines == [("ab", b"b\nc\n"), ("c", b"b\nc\n"), ("d", b"d")]
