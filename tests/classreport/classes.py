"""A small class to report on, with text that a hostile program could print."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grader.catalog import CheckSpec
from grader.course.class_list import ClassList, GradedExercise, Student, save_class
from grader.course.results import Result, Results
from grader.diagnosis.causes import general
from grader.diagnosis.texts import text
from grader.picture.kept import picture_of
from grader.verdict import CheckOutcome, CheckResult, Finding, Verdict
from tests.picture.runs import Run
from tests.report.verdicts import HOSTILE

ATTACK = (
    "<script>window.attacked=1</script><img src=x onerror=window.attacked=1>"
    "</script></noscript></pre><svg onload=window.attacked=1>"
)

CHECKS = (
    CheckSpec("forks", "It forks, and prints `close.`", 3),
    CheckSpec("waits", "It waits", 2),
)
EXERCISES = (
    GradedExercise("exercise1", "Fork", CHECKS),
    GradedExercise("exercise2", "Pipe", CHECKS),
)
STUDENTS = (
    Student("4711", "Ada Lovelace", "ada@example.org", "A", True, {"id": "4711"}),
    Student("4712", "Grace Hopper", "grace@example.org", "B", True, {"id": "4712"}),
    Student("4713", "Alan Turing", "alan@example.org", "B", True, {"id": "4713"}),
    Student("4714", "Nobody", "", "A", True, {"id": "4714"}),
    Student(ATTACK, "", enrolled=False),
)


def finding(identity: str, message: str, *story: str) -> Finding:
    """A finding with its diagnosis's words."""
    known = text(identity)
    order = "they take turns, call by call"
    return Finding(
        *(identity, message, known.why, known.read, 7, "take_turns", story),
        order=order,
        command="fork.py 2",
    )


def result(student: str, exercise: str, *findings: Finding, shape: str = "") -> Result:
    """A submission that forks; it waits if there is no finding."""
    checks = (
        CheckResult("forks", CHECKS[0].title, 3, 3, CheckOutcome.PASSED),
        CheckResult(
            "waits",
            "It waits",
            2,
            0 if findings else 2,
            CheckOutcome.FAILED if findings else CheckOutcome.PASSED,
            findings,
        ),
    )
    file = f"{student}/{exercise}.py"
    verdict = Verdict(exercise, file, checks)
    return Result(student, "", file, None, False, student, verdict, shape)


def _picture() -> str:
    """A run that leaves a zombie, prints an attack, and is called one."""
    run = Run(f"./{ATTACK}", HOSTILE, pid=71)
    child = run.fork()
    run.write(child, f"Ada\n{ATTACK}\n".encode())
    run.write(child, HOSTILE.encode(errors="surrogatepass"))
    run.end(child)
    run.waits(run.root, "pause")
    recording = run.done()
    return picture_of(recording, general(recording), whole=False)


ZOMBIE = replace(
    finding(
        "zombie-left",
        f"4711/exercise1.py of Ada: the child 72 was never collected {ATTACK}",
        "   0.000 s  parent 71      forks 72",
        f'   0.500 s  child 72       writes "{ATTACK} {HOSTILE}" to the terminal',
    ),
    picture=_picture(),
)
RESULTS = (
    result("4711", "exercise1", ZOMBIE),
    result("4711", "exercise2", shape="20.aa"),
    replace(result("4712", "exercise1"), late=True),
    result("4712", "exercise2", shape="20.aa"),
    result(
        "4713",
        "exercise1",
        finding("forbidden-call", "kill of 47110 was refused, adamantly"),
    ),
    result(ATTACK, "exercise1", ZOMBIE, finding("output-wrong", HOSTILE)),
)


def make(folder: Path) -> Path:
    """Results as `grade course` leaves them."""
    results = Results(folder)
    results.make()
    for one in RESULTS:
        results.save(one)
    checks = result("4713", "exercise2").verdict.checks
    failed = Verdict("exercise2", "4713/exercise2.py", checks, error="OSError: full")
    results.save(replace(result("4713", "exercise2"), verdict=failed))
    save_class(folder, ClassList(STUDENTS, EXERCISES))
    return folder
