"""Verdicts to report on, with text that a hostile program could print."""

from __future__ import annotations

from dataclasses import replace

from grader.diagnosis.texts import text
from grader.verdict import CheckOutcome, CheckResult, Finding, Verdict

HOSTILE = "\x1b[2J\x1b]0;x\x07 ::error::x </failure> ]]> \u202eright\u202c \x00 é"

FAILED = CheckResult(
    "child-is-collected",
    "The child is collected, and both end with exit code 0",
    2,
    0,
    CheckOutcome.FAILED,
    (
        Finding(
            "zombie-left",
            "the child 72 ended, and the parent 71 never collected its status",
            text("zombie-left").why,
            ("wait(2)", "fork(2)"),
            None,
            "take_turns",
            (
                "   0.000 s  parent 71      forks 72",
                f'   0.500 s  child 72       writes "{HOSTILE}" to the terminal',
                "at the end  child 72       was never collected",
            ),
            order="they take turns, call by call",
            command="exercise2.py 5 0.5",
        ),
        Finding("output-wrong", f"it printed {HOSTILE!r}", "", (), 14, "take_turns"),
    ),
)
AGAIN = replace(FAILED, id="again", title="The same once more", points=1)
PASSED = CheckResult("forks", "It forks", 3, 3, CheckOutcome.PASSED)
BROKEN = CheckResult(
    "broken", "Broken", 1, 0, CheckOutcome.GRADER_ERROR, error="OSError: no memory"
)
PARTIAL = Verdict("exercise2", "pipe.py", (PASSED, FAILED, AGAIN))
ERROR = Verdict("exercise2", "pipe.py", (PASSED, BROKEN))
CANNOT = Finding("cannot-load", "pipe.py is empty", "Nothing can be said.", ())
NOT_RUN = Verdict(
    "exercise2",
    "pipe.py",
    (CheckResult("forks", "It forks", 3, 0, CheckOutcome.NOT_RUN, (CANNOT,)),),
    (CANNOT,),
)
HIDDEN = Verdict(
    "exercise2",
    "pipe.py",
    (PASSED, replace(FAILED, id="secret", title="Also with 0", hidden=True), AGAIN),
)
RACED = Verdict(
    "exercise2",
    "my pipe.py",
    (
        PASSED,
        replace(
            FAILED,
            findings=tuple(
                replace(f, schedule="x9a-13+", order="a search chose whose turn it is")
                for f in FAILED.findings
            ),
        ),
        replace(
            FAILED,
            id="secret",
            title="Also with 0",
            hidden=True,
            findings=tuple(replace(f, schedule="x7b") for f in FAILED.findings),
        ),
    ),
)
VERDICTS = {
    "partial": PARTIAL,
    "grader-error": ERROR,
    "not-run": NOT_RUN,
    "hidden": HIDDEN,
    "raced": RACED,
}
