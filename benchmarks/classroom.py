"""A class of any size, made of the kit's answers, and what it costs to grade it."""

from __future__ import annotations

import ast
import builtins
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.rows import Row
from benchmarks.timing import SOLUTIONS, family_memory
from grader.catalog import names

STUDENTS = 300
_FEW = 24

# Of ten submissions so many are right answers, and so many known wrong ones; the rest
# are right answers that lack a line.
_RIGHT, _WRONG = 6, 3


_NAMED = ast.FunctionDef | ast.ClassDef | ast.ExceptHandler | ast.MatchAs


class _Renamed(ast.NodeTransformer):
    """The same program, with other names for what it defines itself."""

    def __init__(self, tree: ast.Module, suffix: str) -> None:
        self._suffix = suffix
        self._own = {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        } - {*dir(builtins), *_global_names(tree)}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        if node.id in self._own:
            node.id += self._suffix
        return node


def _global_names(tree: ast.Module) -> set[str]:
    """Names that also stand elsewhere than in an expression."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Global | ast.Nonlocal):
            found |= set(node.names)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, _NAMED) and node.name:
            found.add(node.name)
    return found


def _mutated(source: str, chance: random.Random, *, shorter: bool) -> str:
    """A program like this one: other names, and, if `shorter`, a statement less."""
    tree = ast.parse(source)
    tree = _Renamed(tree, f"_{chance.randrange(1000)}").visit(tree)
    if shorter:
        bodies = [
            body
            for node in ast.walk(tree)
            if isinstance(body := getattr(node, "body", None), list) and len(body) > 1
        ]
        body = chance.choice(bodies)
        del body[chance.randrange(len(body))]
    return f"# {chance.getrandbits(64):x}\n{ast.unparse(tree)}\n"


def hand_in(folder: Path, students: int) -> int:
    """Make a folder for each student, with every exercise; how many files it has.

    The same files each time.
    """
    chance = random.Random(2026)
    right = {
        name: sorted([SOLUTIONS / name / f"{name}.py", *_answers(name, "right")])
        for name in names()
    }
    for number in range(students):
        student = folder / f"student{number:03}"
        student.mkdir(parents=True)
        for name, answers in right.items():
            kind = chance.randrange(10)
            wrong = kind in range(_RIGHT, _RIGHT + _WRONG)
            file = chance.choice(_answers(name, "wrong") if wrong else answers)
            text = _mutated(file.read_text(), chance, shorter=kind >= _RIGHT + _WRONG)
            (student / f"{name}.py").write_text(text)
    return students * len(right)


def _answers(exercise: str, kind: str) -> list[Path]:
    return sorted((SOLUTIONS / exercise / kind).glob("*.py"))


def grading(students: int = STUDENTS) -> Iterator[Row]:
    """What it costs to grade a class, and to grade it again."""
    with tempfile.TemporaryDirectory() as scratch:
        submissions, results = Path(scratch, "class"), Path(scratch, "results")
        count = hand_in(submissions, students)
        seconds, memory = _measured(course_command(submissions, results))
        graded = len(list((results / "verdicts").glob("*/*.json")))
        yield Row(
            f"grade course, {students} students x {count // students}, in s",
            seconds,
            90 * students / STUDENTS,
            "{:.1f}",
            f"{graded} verdicts, {seconds / count * 1000:.0f} ms each",
        )
        yield Row("peak memory of grade course, in MB", memory, 400, "{:.0f}")
        again, _ = _measured(course_command(submissions, results))
        yield Row("grade course again, nothing changed, in s", again, 2)
        few = Path(scratch, "few")
        for folder in sorted(submissions.iterdir())[:_FEW]:
            shutil.copytree(folder, few / folder.name)
        one, _ = _measured(course_command(few, Path(scratch, "one"), "--jobs", "1"))
        two, _ = _measured(course_command(few, Path(scratch, "two"), "--jobs", "2"))
        yield Row(
            "grade course on two cores / on one",
            two / one,
            1 / 1.8,
            says=f"{two:.1f} s / {one:.1f} s",
        )


def course_command(submissions: Path, results: Path, *options: str) -> Sequence[str]:
    """The command that grades a class, in this interpreter's environment."""
    command = [sys.executable, "-m", "grader", "course", str(submissions)]
    return [*command, "--out", str(results), *options]


def _measured(command: Sequence[str]) -> tuple[float, float]:
    """How long a command takes, in seconds, and what it holds at most, in MB."""
    began = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        peak = 0.0
        running = True
        while running:
            peak = max(peak, family_memory(process.pid))
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.5)
                running = False
    return time.monotonic() - began, peak
