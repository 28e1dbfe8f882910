"""The exercises: folders -> `Exercise`."""

from __future__ import annotations

import ast
import difflib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from grader.errors import CatalogError, UsageError
from grader.tracing.limits import Limits

_KEYS = {"title": str, "summary": str, "arguments": str, "teaches": list, "hints": list}
_LIMITS = (
    "processes",
    "output_bytes",
    "cpu_seconds",
    "memory_mib",
    "virtual_seconds",
    "real_seconds",
)


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A check as its file declares it."""

    id: str
    title: str
    points: int


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise: what its folder says."""

    name: str
    folder: Path
    title: str
    summary: str
    arguments: str
    teaches: tuple[str, ...]
    hints: tuple[str, ...]
    limits: Limits
    checks: tuple[CheckSpec, ...]

    @property
    def program(self) -> str:
        """The file name that a submission has."""
        return f"{self.name}.py"

    @property
    def handout(self) -> Path:
        return self.folder / "README.md"

    @property
    def stub(self) -> Path:
        return self.folder / "stub.py"

    @property
    def checks_file(self) -> Path:
        return self.folder / f"test_{self.name}.py"

    @property
    def checks_files(self) -> tuple[Path, ...]:
        """The files that its checks are in, in their order."""
        return (self.checks_file,)


def exercises_folder() -> Path:
    """Where the exercises lie: inside the installed package, or beside a checkout's."""
    package = Path(__file__).parent
    inside = package / "exercises"
    return inside if inside.is_dir() else package.parent / "exercises"


@cache
def find_exercises(folder: Path | None = None) -> dict[str, Exercise]:
    """All exercises by name, in the order of their numbers.

    Raises `CatalogError` where a folder breaks a rule.
    """
    return {path.name: read_exercise(path) for path in _folders(folder).values()}


@cache
def _folders(folder: Path | None) -> dict[str, Path]:
    """The exercises' folders by name, unread, in the order of their numbers."""
    root = folder or exercises_folder()
    found = sorted(
        (p for p in root.glob("exercise*") if p.is_dir()),
        key=lambda p: [int(n) for n in re.findall(r"\d+", p.name)],
    )
    return {path.name: path for path in found}


def names(folder: Path | None = None) -> list[str]:
    """The names of all exercises, in order."""
    return list(_folders(folder))


def find(name: str, folder: Path | None = None) -> Exercise:
    """The exercise of that name.

    Raises `UsageError`, with names that are like it, where there is none.
    """
    known = _folders(folder)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"; did you mean {close[0]}?" if close else ":"
        raise UsageError(
            f"there is no exercise {name!r}{hint} `grade list` shows them all"
        )
    return read_exercise(known[name])


def read_exercise(folder: Path) -> Exercise:
    """Read one exercise's folder.

    Raises `CatalogError` where it breaks a rule; the message says which and what
    to do.
    """
    name = folder.name
    for part in ("README.md", "stub.py", "exercise.toml", f"test_{name}.py"):
        if not (folder / part).is_file():
            raise CatalogError(f"{folder / part} is missing: an exercise needs it")
    path = folder / "exercise.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path} is not valid TOML: {error}") from error
    unknown = set(data) - {*_KEYS, "limits"}
    if unknown:
        raise CatalogError(
            f"{path} has {min(unknown)!r}; what it may have is "
            + ", ".join([*_KEYS, "[limits]"])
        )
    for key, kind in _KEYS.items():
        if not isinstance(data.get(key), kind):
            raise CatalogError(f"{path} needs {key!r}, of type {kind.__name__}")
    return Exercise(
        name=name,
        folder=folder,
        title=data["title"],
        summary=data["summary"],
        arguments=data["arguments"],
        teaches=tuple(data["teaches"]),
        hints=tuple(data["hints"]),
        limits=_limits(path, data.get("limits", {})),
        checks=read_checks(folder / f"test_{name}.py"),
    )


def _limits(path: Path, data: dict[str, Any]) -> Limits:
    unknown = set(data) - set(_LIMITS)
    if unknown:
        raise CatalogError(
            f"{path}: [limits] has no {min(unknown)!r}; it has " + ", ".join(_LIMITS)
        )
    if any(not isinstance(v, int | float) or v <= 0 for v in data.values()):
        raise CatalogError(f"{path}: each of [limits] is a number above 0")
    return Limits(**data, events=20_000, busy_seconds=2.0)


def read_checks(path: Path) -> tuple[CheckSpec, ...]:
    """The checks that a file declares, without running it.

    Raises `CatalogError` where one has no points, no title, or another's name.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path} is not valid Python: {error}") from error
    checks: list[CheckSpec] = []
    for node in tree.body:
        if not (isinstance(node, ast.FunctionDef) and node.name.startswith("test_")):
            continue
        number = next((_points(d) for d in node.decorator_list if _points(d)), None)
        title = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
        if not number:
            raise CatalogError(f"{path}: {node.name} needs @points(N) above it")
        if not title:
            raise CatalogError(f"{path}: {node.name} needs a docstring: its title")
        identity = node.name.removeprefix("test_").replace("_", "-")
        if any(check.id == identity for check in checks):
            raise CatalogError(f"{path}: two checks are called {node.name}")
        checks.append(CheckSpec(identity, title, number))
    if not checks:
        raise CatalogError(f"{path} has no checks: functions called test_...")
    return tuple(checks)


def _points(decorator: ast.expr) -> int | None:
    if (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "points"
        and len(decorator.args) == 1
        and isinstance(decorator.args[0], ast.Constant)
        and isinstance(decorator.args[0].value, int)
    ):
        return decorator.args[0].value
    return None
