"""The answers to an exercise that its course keeps, and what each must get.

    solutions/exerciseN/exerciseN.py   the reference: full marks
    solutions/exerciseN/right/*.py     full marks
    solutions/exerciseN/wrong/*.py     the diagnosis that its first line names

A wrong answer begins with ``# diagnosis: ID``, the principal one first where there are
several, and a comment that says the misconception.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeGuard

from grader.catalog import Course, Exercise

_ANNOUNCES = "# diagnosis:"


class Kind(StrEnum):
    """What an answer is, and so what it must get."""

    STUB = "the stub"
    BEGUN = "the stub with one line changed"
    RIGHT = "a right answer"
    WRONG = "a wrong answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """A program to grade; `announced` are the diagnoses that its first line names."""

    kind: Kind
    path: Path
    source: bytes
    announced: tuple[str, ...] = ()


def answers_to(course: Course, exercise: Exercise) -> list[Answer]:
    """All answers to an exercise that can be read, its stub among them."""
    stub = exercise.stub.read_bytes()
    answers = [Answer(Kind.STUB, exercise.stub, stub)]
    answers += [Answer(Kind.BEGUN, exercise.stub, begun) for begun in _begun(stub)]
    folder = course.solutions / exercise.name
    reference = folder / exercise.program
    right = [reference] if reference.is_file() else []
    answers += [
        Answer(Kind.RIGHT, path, path.read_bytes())
        for path in [*right, *programs(folder / "right")]
    ]
    for path in programs(folder / "wrong"):
        source = path.read_bytes()
        answers.append(Answer(Kind.WRONG, path, source, announced(source)))
    return answers


def programs(folder: Path) -> list[Path]:
    """The programs that lie in a folder."""
    return sorted(path for path in folder.glob("*.py") if path.is_file())


def announced(source: bytes) -> tuple[str, ...]:
    """The diagnoses that a wrong answer's first line names, the principal first."""
    first = source.decode(errors="replace").partition("\n")[0]
    if not first.startswith(_ANNOUNCES):
        return ()
    names = first.removeprefix(_ANNOUNCES).split(",")
    return tuple(name.strip() for name in names if name.strip())


def _begun(stub: bytes) -> Iterator[bytes]:
    """The stub as students hand it in who have only begun; none if it is no program.

    One has written a line that does nothing; another has changed what it prints, too.
    """
    try:
        tree = ast.parse(stub)
    except (SyntaxError, ValueError):
        return
    tree.body.append(ast.parse("i_have_begun = True").body[0])
    yield ast.unparse(tree).encode()
    prints = [node for node in ast.walk(tree) if _is_print(node)]
    for node in prints:
        node.args.append(ast.Constant("I have begun"))
    if prints:
        yield ast.unparse(ast.fix_missing_locations(tree)).encode()


def _is_print(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    )
