"""What is wrong with a course that shows when its answers are graded.

Everything is graded once; then what got full marks and must get them always is graded
again and again, and once in far more orders of events. What is wrong is graded once
more without the schedules that checks name: a search must find it by itself. The
machine is kept busy meanwhile: verdicts must not depend on it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.authoring.answers import Answer, Kind, answers_to
from grader.authoring.fault import Fault
from grader.authoring.inspection import named_diagnoses
from grader.authoring.load import load
from grader.catalog import Course, Exercise, with_course
from grader.cores import cores_for, count
from grader.course.grading import Began, Done, grade_all, tasks_of
from grader.course.handed_in import Attempt
from grader.course.results import Results
from grader.diagnosis.texts import all_ids
from grader.exploring.orders import AS_GRADED, IN_GRADING, IN_PROOF, Orders
from grader.mistake import Mistake, told_in
from grader.report.again import see_again
from grader.tracing.scratch import scratch_folder
from grader.verdict import CheckOutcome, Finding, Outcome, Verdict

# What is said of a program that did not come to its end.
_HANGING = {
    "deadlock",
    "never-ends",
    "too-many-processes",
    "too-many-threads",
    "too-much-memory",
    "too-many-descriptors",
    "too-many-files",
    "too-much-written",
    "too-much-output",
}

# So many of the times that a right answer is graded again, its checks search as well:
# a search takes longer than all the rest, and does the same whatever the machine does.
_SEARCHING = 4

Told = Callable[[Began | Done], None]
ShowProgress = Callable[[int], AbstractContextManager[Told]]


@dataclass(frozen=True, slots=True)
class Grading:
    """One grading of an answer; `verdict` is None where the grader told none."""

    exercise: Exercise
    answer: Answer
    verdict: Verdict | None


@dataclass(slots=True)
class Proof:
    """What came of it: the course's faults, and what the grader could not do."""

    faults: list[Fault] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    graded: int = 0


def prove(
    course: Course,
    exercises: Sequence[Exercise],
    *,
    times: int,
    show_progress: ShowProgress,
) -> Proof:
    """Grade all answers to these exercises, right ones so many times."""
    proof = Proof()
    known = {exercise.name: exercise for exercise in exercises}
    answers = [
        (exercise, answer)
        for exercise in exercises
        for answer in answers_to(course, exercise)
    ]
    gradings = _grade(answers, known, 1, show_progress)
    again = [
        (grading.exercise, grading.answer)
        for grading in gradings
        if grading.answer.kind is Kind.RIGHT and _is_full(grading)
    ]
    searching = min(times - 1, _SEARCHING)
    for number, orders in (
        (searching, AS_GRADED),
        (times - 1 - searching, Orders(runs=0)),
        (1, Orders(runs=IN_PROOF)),
    ):
        gradings += _grade(again, known, number, show_progress, orders)
    wrong = [
        (grading.exercise, grading.answer)
        for grading in gradings
        if grading.answer.kind is Kind.WRONG and _is_told(grading)
    ]
    alone = _grade(wrong, known, 1, show_progress, Orders(named=False))
    proof.graded = len(gradings) + len(alone)
    for exercise in exercises:
        _judge(course, exercise, _own(exercise, gradings), proof)
        for grading in _own(exercise, alone):
            _judge_search(course, grading, proof)
    return proof


def _own(exercise: Exercise, gradings: Sequence[Grading]) -> list[Grading]:
    """Those of one exercise."""
    return [grading for grading in gradings if grading.exercise is exercise]


def _is_full(grading: Grading) -> bool:
    return grading.verdict is not None and grading.verdict.outcome is Outcome.FULL


def _is_told(grading: Grading) -> bool:
    """Whether an answer is told one of those diagnoses that it names."""
    announced, verdict = grading.answer.announced, grading.verdict
    found = verdict.all_findings if verdict else ()
    return any(finding.id in announced for finding in found)


def _grade(
    answers: Sequence[tuple[Exercise, Answer]],
    exercises: Mapping[str, Exercise],
    times: int,
    show_progress: ShowProgress,
    orders: Orders = AS_GRADED,
) -> list[Grading]:
    """Grade these answers on a busy machine, one after the other in each round."""
    attempts = {
        f"{answer.path.stem} {number * len(answers) + place}": (exercise, answer)
        for number in range(times)
        for place, (exercise, answer) in enumerate(answers)
    }
    if not attempts:
        return []
    with scratch_folder() as folder, load(count()):
        results = Results(folder)
        results.make()
        tasks = tasks_of(
            [
                Attempt(name, exercise.name, str(answer.path), answer.source)
                for name, (exercise, answer) in attempts.items()
            ],
            exercises,
            results,
        )
        tasks = [replace(task, orders=orders) for task in tasks]
        with show_progress(len(tasks)) as tell:
            grade_all(tasks, results, cores=cores_for(2 * count()), progress=tell)
        found = {result.student: result for result in results.failed()}
        found |= {result.student: result for result in results.verdicts()}
    return [
        Grading(exercise, answer, found[name].verdict if name in found else None)
        for name, (exercise, answer) in attempts.items()
    ]


# --- judging ------------------------------------------------------------------


def _judge(
    course: Course, exercise: Exercise, gradings: Sequence[Grading], proof: Proof
) -> None:
    """Add what is wrong with one exercise."""
    judged: list[tuple[Answer, Verdict]] = []
    for grading in gradings:
        verdict = grading.verdict
        if verdict is None or verdict.outcome is Outcome.GRADER_ERROR:
            _add_failure(course, grading, proof)
        else:
            judged.append((grading.answer, verdict))
    for kind, judge in {Kind.STUB: _stub, Kind.WRONG: _wrong}.items():
        for answer, verdict in judged:
            if answer.kind is kind:
                proof.faults += judge(exercise, answer, verdict)
    begun = [list(_begun(exercise, a, v)) for a, v in judged if a.kind is Kind.BEGUN]
    proof.faults += next(filter(None, begun), [])  # of the other it would be the same
    proof.faults += _right([(a, v) for a, v in judged if a.kind is Kind.RIGHT])
    if len(judged) == len(gradings):
        wrong = [verdict for answer, verdict in judged if answer.kind is Kind.WRONG]
        proof.faults += _never_failed(course, exercise, wrong)


def _add_failure(course: Course, grading: Grading, proof: Proof) -> None:
    """An answer that got no verdict: for a mistake of the exercise or of ours."""
    trouble = grading.verdict.trouble if grading.verdict else ""
    if f"{grading.exercise.stub} is not valid Python" in trouble:
        return  # which is told of the stub itself
    if grading.verdict is not None and told_in(trouble):
        for fault in _mistakes(grading.verdict, grading.exercise):
            if fault not in proof.faults:
                proof.faults.append(fault)
        return
    reason = _reason(trouble)
    parts = (course.exercises, course.hidden, course.diagnoses)
    if any(f"{part}{os.sep}" in trouble for part in parts):
        checks = grading.exercise.checks_files
        path = next((p for p in checks if f"{p}" in trouble), checks[0])
        what = f"the checks themselves fail: {reason}"
        fault = Fault.in_file(path, what, "mend the check that says so")
        if fault not in proof.faults:
            proof.faults.append(fault)
        return
    failure = Fault.in_file(
        grading.answer.path, "the grader could not grade it", reason
    )
    if str(failure) not in proof.failures:
        proof.failures.append(str(failure))


def _mistakes(verdict: Verdict, exercise: Exercise) -> Iterator[Fault]:
    """What is wrong with checks themselves, but for what shows without a grading."""
    whole = told_in(verdict.error)
    if whole is not None:
        yield Fault.in_file(whole.path, _on(whole, "the checks"), "mend it there")
        return
    for check in verdict.checks:
        mistake = told_in(check.error)
        if mistake is None or mistake.path.suffix != ".py":
            continue  # that of a diagnosis is told of its file
        unknown = re.search(r"there is no diagnosis '(.*?)'", mistake.what)
        if unknown and unknown[1] in _named_in(exercise.checks_files):
            continue
        what = _on(mistake, f"the check {check.id!r}")
        yield Fault.in_file(mistake.path, what, "mend it there")


def _on(mistake: Mistake, who: str) -> str:
    where = f"on line {mistake.line} " if mistake.line else ""
    return f"{where}{who} could not be run: {mistake.what}"


def _named_in(files: Sequence[Path]) -> set[str]:
    """The diagnoses that these files of checks name as they stand."""
    sources = [path.read_text(encoding="utf-8-sig") for path in files]
    return {name for source in sources for _, name in named_diagnoses(source)}


def _reason(trouble: str) -> str:
    """The line of a traceback, or of what pytest made of one, that says what it is."""
    said = re.findall(
        r"(?:^|^E +|: )([\w.]+(?:Error|Exception)\b.*)", trouble, re.MULTILINE
    )
    lines = said or trouble.strip().splitlines() or ["no reason is known"]
    return lines[-1].strip()


def _stub(_: Exercise, answer: Answer, verdict: Verdict) -> Iterator[Fault]:
    told = [finding for finding in verdict.findings if finding.id == "cannot-load"]
    if told and "still the stub" not in told[0].message:
        what = f"the stub cannot be run: {told[0].message}"
        yield Fault.in_file(answer.path, what, "hand out a program that Python can run")
    elif not told:
        what = f"the stub is graded, and gets {verdict.score} points"
        yield Fault.in_file(answer.path, what, "let it be a program of its own")


def _begun(exercise: Exercise, answer: Answer, verdict: Verdict) -> Iterator[Fault]:
    if verdict.outcome is Outcome.FULL:
        yield Fault.in_file(
            answer.path,
            "the stub gets full marks once a line of it is changed",
            "let it do nothing that is asked, or the checks ask for more",
        )
    hanging = [f for f in verdict.all_findings if f.id in _HANGING]
    if hanging:
        yield Fault.in_file(
            answer.path,
            f"the stub does not come to its end: {_said(hanging[0])}",
            "let it say that it is unfinished, and end",
        )
    yield from _without_text(exercise, answer, verdict)
    for check in verdict.checks:
        if check.outcome is CheckOutcome.FAILED and not check.findings:
            yield Fault.in_file(
                exercise.checks_file,
                f"check {check.id!r} fails the stub and does not say why",
                "let it fail with a finding",
            )


def _right(judged: Sequence[tuple[Answer, Verdict]]) -> Iterator[Fault]:
    """Right answers that did not always get full marks, each told once."""
    by_path: dict[Path, list[Verdict]] = {}
    for answer, verdict in judged:
        by_path.setdefault(answer.path, []).append(verdict)
    for path, verdicts in by_path.items():
        less = [verdict for verdict in verdicts if verdict.outcome is not Outcome.FULL]
        if less:
            yield Fault.in_file(
                path,
                f"it got less than full marks in {len(less)} of {len(verdicts)} "
                f"gradings: {_first_said(less[0])}",
                f"{_see(less[0])}mend the answer, or the check that fails it",
            )


def _see(verdict: Verdict) -> str:
    """How to see what a search found, where it was one that found it."""
    for check in verdict.checks:
        for finding in check.findings[:1]:
            again = see_again(verdict, check, finding, file=True)
            return f"see it with `{with_course(again)}`, then " if again else ""
    return ""


def _judge_search(course: Course, grading: Grading, proof: Proof) -> None:
    """Add what a search alone says of a wrong answer."""
    verdict = grading.verdict
    if verdict is None or verdict.outcome is Outcome.GRADER_ERROR:
        _add_failure(course, grading, proof)
    else:
        proof.faults += _unfound(grading.answer, verdict)


def _unfound(answer: Answer, verdict: Verdict) -> Iterator[Fault]:
    """A wrong answer that is not found but under a schedule that a check names."""
    told = dict.fromkeys(finding.id for finding in verdict.all_findings)
    if any(identity in answer.announced for identity in told):
        return
    but = f"told {', '.join(told)}" if told else "told nothing"
    yield Fault.in_file(
        answer.path,
        f"without the schedules that checks name it is {but}: the search that "
        f"`in_any_order` makes does not come to {' or '.join(answer.announced)}",
        "let `in_any_order` run it with fewer processes or steps, so that "
        f"{IN_GRADING} runs come to it",
    )


def _wrong(exercise: Exercise, answer: Answer, verdict: Verdict) -> Iterator[Fault]:
    """It must be told what its first line names first, and nothing it does not name."""
    if verdict.outcome is Outcome.FULL:
        yield Fault.in_file(
            answer.path,
            "this wrong answer gets full marks",
            "let a check find what is wrong with it, or move it to right/",
        )
        return
    yield from _without_text(exercise, answer, verdict)
    findings = [finding for check in verdict.checks for finding in check.findings]
    told = dict.fromkeys(finding.id for finding in findings)
    if answer.announced and answer.announced[0] not in told:
        yield Fault.in_file(
            answer.path,
            f"it is told {', '.join(told)} and not {answer.announced[0]}",
            "mend the answer, its first line, or the check that should say so",
        )
    for identity in told:
        if answer.announced and identity not in answer.announced:
            first = next(f for f in findings if f.id == identity)
            yield Fault.in_file(
                answer.path,
                f"its first line does not name what it is told: {_said(first)}",
                f"add {identity} there, or mend the check that says so",
            )


def _without_text(
    exercise: Exercise, answer: Answer, verdict: Verdict
) -> Iterator[Fault]:
    for identity in dict.fromkeys(f.id for f in verdict.all_findings):
        if identity not in all_ids():
            yield Fault.in_file(
                exercise.checks_file,
                f"{answer.path.name} is told {identity!r}, which has no text",
                f"write diagnoses/{identity}.md, or name one that has",
            )


def _never_failed(
    course: Course, exercise: Exercise, wrong: Sequence[Verdict]
) -> Iterator[Fault]:
    """Checks that no wrong answer is for.

    What fails all of several checks has no part of what is asked: it says of none of
    them that it can tell wrong from right.
    """
    failed = [_failed(verdict) for verdict in wrong]
    every = {check.id for check in exercise.checks}
    telling = [ids for ids in failed if ids != every or len(every) == 1]
    for check in exercise.checks if wrong else ():
        if any(check.id in ids for ids in telling):
            continue
        but = (
            ", but for what fails all" if any(check.id in ids for ids in failed) else ""
        )
        folder = f"{course.solutions.name}/{exercise.name}/wrong"
        yield Fault.in_file(
            exercise.checks_files[-1 if check.hidden else 0],
            f"no wrong answer fails the check {check.id!r}{but}",
            f"add one that does to {folder}, or take the check out",
        )


def _failed(verdict: Verdict) -> set[str]:
    """The checks that failed a program."""
    return {c.id for c in verdict.checks if c.outcome is CheckOutcome.FAILED}


def _first_said(verdict: Verdict) -> str:
    findings = verdict.all_findings
    return _said(findings[0]) if findings else "nobody says why"


def _said(finding: Finding) -> str:
    return f"{finding.id}, {finding.message}"
