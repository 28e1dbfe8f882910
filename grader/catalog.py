"""The exercises: folders -> `Exercise`.

A course is a folder with these in it, of which students get the first:

    exercises/exerciseN/   the hand-out, the stub, what is said of it, its checks
    solutions/exerciseN/   answers, right and wrong
    hidden/exerciseN/      more checks, which are graded too and never handed out
    diagnoses/             texts of diagnoses of the course's own
"""

from __future__ import annotations

import ast
import difflib
import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grader.diagnosis import texts
from grader.errors import CatalogError, UsageError, with_cure
from grader.tracing.limits import Limits

_KEYS = {"title": str, "summary": str, "arguments": str, "teaches": list, "hints": list}
_LARGEST_LIMIT = 1_000_000_000  # more than any machine has, or anybody waits

_SHOWN = 8  # names in a message

_LIMITS = (
    "processes",
    "output_bytes",
    "cpu_seconds",
    "memory_mib",
    "descriptors",
    "files",
    "file_bytes",
    "virtual_seconds",
    "busy_seconds",
    "real_seconds",
)


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A check as its file declares it; `hidden`: students do not have that file."""

    id: str
    title: str
    points: int
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise: what its folder says.

    `loopback`: its programs may use the network's protocols, to speak to themselves.
    `hidden_checks` is the file of those that students do not have, `diagnoses` the
    folder of its course's own; None where there are none.
    """

    name: str
    folder: Path
    title: str
    summary: str
    arguments: str
    teaches: tuple[str, ...]
    hints: tuple[str, ...]
    limits: Limits
    loopback: bool
    checks: tuple[CheckSpec, ...]
    hidden_checks: Path | None = None
    diagnoses: Path | None = None

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
        """The checks that students may have."""
        return self.folder / f"test_{self.name}.py"

    @property
    def checks_files(self) -> tuple[Path, ...]:
        """All files of its checks: the public one, then the hidden one if any."""
        hidden = () if self.hidden_checks is None else (self.hidden_checks,)
        return (self.checks_file, *hidden)


@dataclass(frozen=True, slots=True)
class Course:
    """Where the parts of a course lie."""

    folder: Path

    @property
    def exercises(self) -> Path:
        return self.folder / "exercises"

    @property
    def solutions(self) -> Path:
        return self.folder / "solutions"

    @property
    def hidden(self) -> Path:
        return self.folder / "hidden"

    @property
    def diagnoses(self) -> Path:
        return self.folder / "diagnoses"

    def read(self, name: str) -> Exercise:
        """Read one of its exercises.

        Raises `CatalogError` where that breaks a rule.
        """
        hidden, diagnoses = self.hidden / name, self.diagnoses
        return read_exercise(
            self.exercises / name,
            hidden=hidden if hidden.exists() else None,
            diagnoses=diagnoses if diagnoses.is_dir() else None,
        )


def own_course() -> Course:
    """The course that comes with forklab.

    It lies inside the installed package, without solutions, or is a checkout.
    """
    package = Path(__file__).parent
    return Course(package if (package / "exercises").is_dir() else package.parent)


_in_use: Course | None = None


def course_in_use() -> Course:
    """The course that commands are about: forklab's own, or that of `using`."""
    return _in_use or own_course()


def with_course(command: str, *, elsewhere: bool = False) -> str:
    """A command as whoever uses this course writes it: here, or in any folder."""
    if _in_use is None:
        return command
    folder, here = _in_use.folder, Path.cwd()
    near = not elsewhere and folder.is_relative_to(here)
    shown = folder.relative_to(here) if near else folder
    return f"{command} --course {shlex.quote(str(shown))}"


@contextmanager
def using(folder: Path) -> Iterator[Course]:
    """Have everything meanwhile be about the course in a folder.

    Raises `UsageError` where there is none.
    """
    global _in_use  # what a process is about: it grades for one course at a time
    course = open_course(folder)
    before, _in_use = _in_use, course
    _folders.cache_clear()
    _exercises.cache_clear()
    try:
        with texts.also_from(course.diagnoses):
            yield course
    finally:
        _in_use = before


def open_course(folder: Path) -> Course:
    """The course in a folder.

    Raises `UsageError` where there is none.
    """
    course = Course(folder.absolute())  # graders work in folders of their own
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            folder.stat()  # to `exists` a loop of links is only not there
        problem = _no_course(folder, course)
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {with_cure(error)}") from error
    if problem:
        raise UsageError(problem)
    return course


def _no_course(folder: Path, course: Course) -> str:
    """Why there is no course in a folder; empty where there is one."""
    cure = "`grade new exercise1 --course FOLDER` makes a course"
    if not folder.exists():
        return f"there is no course {folder}: it does not exist; {cure}"
    if not folder.is_dir():
        return f"{folder} is not a folder; a course is one with exercises/ in it"
    if not course.exercises.is_dir():
        if any(is_name(entry.name) for entry in folder.iterdir()):
            return f"{folder} holds exercises; name the folder that exercises/ lies in"
        return f"{folder} is no course: there is no folder exercises in it; {cure}"
    if not any(is_name(entry.name) for entry in course.exercises.iterdir()):
        named = [p.name for p in course.exercises.glob("[eE][xX]*") if p.is_dir()]
        but = f" but {named[0]}, which is no exercise's name" if named else ""
        rename = "call it exercise and a number, such as exercise1"
        cure = rename if named else f"{cure} with one"
        return f"{folder / 'exercises'} holds no exercise{but}; {cure}"
    return ""


def is_name(name: str) -> bool:
    """Whether an exercise may be called that."""
    return re.fullmatch("exercise(0|[1-9][0-9]*)", name) is not None


def find_exercises() -> dict[str, Exercise]:
    """All exercises by name, in the order of their numbers.

    Raises `CatalogError` where a folder breaks a rule.
    """
    return _exercises(course_in_use())


@cache
def _exercises(course: Course) -> dict[str, Exercise]:
    return {name: course.read(name) for name in _folders(course)}


@cache
def _folders(course: Course) -> tuple[str, ...]:
    """The names of the exercises' folders, unread, in the order of their numbers."""
    found = [p for p in course.exercises.glob("exercise*") if p.is_dir()]
    for path in found:
        if not is_name(path.name):
            raise CatalogError(
                f"{path} has no exercise's name: call it exercise and a number, such "
                "as exercise9, or move it elsewhere"
            )
    return tuple(sorted((p.name for p in found), key=_number))


def _number(name: str) -> int:
    return int(name.removeprefix("exercise"))


def names() -> list[str]:
    """The names of all exercises, in order."""
    return list(_folders(course_in_use()))


def find(name: str) -> Exercise:
    """The exercise of that name.

    Raises `UsageError`, with names that are like it, where there is none.
    """
    known = names()
    if name not in known:
        raise UsageError(
            f"there is no exercise {name!r}; {_instead(name, known)} "
            f"`{with_course('grade list')}` shows them all"
        )
    return course_in_use().read(name)


def _instead(name: str, known: Sequence[str]) -> str:
    """What may have been meant: of a number that there is not, no other one."""
    number = name.lower().removeprefix("exercise").strip(" -_.")
    meant = f"exercise{int(number)}" if re.fullmatch("[0-9]{1,9}", number) else name
    if meant in known:
        return f"did you mean {meant}?"
    close = difflib.get_close_matches(meant, known, n=1, cutoff=0.4)
    if close and not is_name(meant):
        return f"did you mean {close[0]}?"
    if len(known) == 1:
        return f"there is {known[0]} alone;"
    some = ", ".join(known[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
    return f"there are {some};"


def read_exercise(
    folder: Path, *, hidden: Path | None = None, diagnoses: Path | None = None
) -> Exercise:
    """Read one exercise's folder, and the one of its hidden checks if it has any.

    Raises `CatalogError` where it breaks a rule; the message says which and what
    to do.
    """
    name = folder.name
    for part in ("README.md", "stub.py", "exercise.toml", f"test_{name}.py"):
        if not (folder / part).is_file():
            raise CatalogError(f"{folder / part} is missing: an exercise needs it")
    path = folder / "exercise.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path} is not valid TOML: {error}") from error
    except RecursionError:
        raise CatalogError(
            f"{path} nests its values too deeply; what it may have nests no deeper "
            "than a list"
        ) from None
    except OSError as error:
        raise CatalogError(f"{path} cannot be read: {with_cure(error)}") from error
    unknown = set(data) - {*_KEYS, "loopback", "limits"}
    if unknown:
        raise CatalogError(
            f"{path} has {min(unknown)!r}; what it may have is "
            + ", ".join([*_KEYS, "loopback", "[limits]"])
        )
    for key, kind in _KEYS.items():
        if not isinstance(data.get(key), kind):
            raise CatalogError(f"{path} needs {key!r}, of type {kind.__name__}")
        if kind is list and not all(isinstance(entry, str) for entry in data[key]):
            raise CatalogError(f"{path}: {key!r} may have nothing but strings in it")
        if "\0" in "".join(data[key]):
            raise CatalogError(f"{path}: {key!r} has a NUL character in it; remove it")
    if not isinstance(data.get("loopback", False), bool):
        raise CatalogError(f"{path}: 'loopback' is true or false")
    checks = read_checks(folder / f"test_{name}.py")
    hidden_checks = None if hidden is None else hidden / f"test_{name}.py"
    if hidden_checks is not None:
        checks += _hidden(hidden_checks, checks)
    return Exercise(
        name=name,
        folder=folder,
        title=data["title"],
        summary=data["summary"],
        arguments=data["arguments"],
        teaches=tuple(data["teaches"]),
        hints=tuple(data["hints"]),
        limits=_limits(path, data.get("limits", {})),
        loopback=data.get("loopback", False),
        checks=checks,
        hidden_checks=hidden_checks,
        diagnoses=diagnoses,
    )


def _hidden(path: Path, public: tuple[CheckSpec, ...]) -> tuple[CheckSpec, ...]:
    """The hidden checks of an exercise, whose public ones are known."""
    try:
        if not path.is_file():
            raise CatalogError(f"{path} is missing: hidden checks go into it")
        checks = read_checks(path, hidden=True)
    except PermissionError as error:
        raise CatalogError(f"{path} cannot be read: {with_cure(error)}") from error
    known = {check.id for check in public}
    for check in checks:
        if check.id in known:
            raise CatalogError(
                f"{path}: there is a public check {check.id!r} too; give this one "
                "another name"
            )
    return checks


def _limits(path: Path, data: object) -> Limits:
    if not isinstance(data, dict):
        raise CatalogError(
            f"{path}: limits is a table; write [limits], and below it "
            + ", ".join(f"{key} = NUMBER" for key in _LIMITS[:2])
            + " and so on"
        )
    unknown = set(data) - set(_LIMITS)
    if unknown:
        raise CatalogError(
            f"{path}: [limits] has no {min(unknown)!r}; it has " + ", ".join(_LIMITS)
        )
    for key, value in data.items():
        whole = not key.endswith("_seconds")
        kinds = (int,) if whole else (int, float)
        # To Python true is a number too, and nan is neither below nor above another.
        if type(value) not in kinds or not 0 < value <= _LARGEST_LIMIT:
            raise CatalogError(
                f"{path}: {key} in [limits] is a {'whole ' * whole}number above 0, "
                f"{_LARGEST_LIMIT} at most"
            )
    return Limits(**data, events=20_000)


def read_checks(path: Path, *, hidden: bool = False) -> tuple[CheckSpec, ...]:
    """The checks that a file declares, without running it.

    Raises `CatalogError` where one has no points, no title, or another's name.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8-sig"))
    except SyntaxError as error:
        raise CatalogError(
            f"{path}, line {error.lineno}, is not valid Python: {error.msg}"
        ) from error
    except ValueError as error:
        raise CatalogError(f"{path} is not valid Python: {error}") from error
    except (MemoryError, RecursionError):
        raise CatalogError(
            f"{path} is not valid Python: it nests too deeply; simplify it"
        ) from None
    except OSError as error:
        raise CatalogError(f"{path} cannot be read: {with_cure(error)}") from error
    checks: list[CheckSpec] = []
    for node in _tests(tree):
        if problem := _not_once(node, tree):
            raise CatalogError(f"{path}: {node.name} {problem}")
        number = next((_points(d) for d in node.decorator_list if _points(d)), None)
        title = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
        if not number or number < 1:
            given = next(map(ast.unparse, filter(_is_points, node.decorator_list)), "")
            but = f", N a whole number from 1 on, and has @{given}" if given else ""
            raise CatalogError(f"{path}: {node.name} needs @points(N) above it{but}")
        if not title:
            raise CatalogError(f"{path}: {node.name} needs a docstring: its title")
        identity = node.name.removeprefix("test_").replace("_", "-")
        if any(check.id == identity for check in checks):
            raise CatalogError(
                f"{path} defines {node.name} twice, at the end on line {node.lineno}; "
                "give one of them another name"
            )
        checks.append(CheckSpec(identity, title, number, hidden))
    if not checks:
        raise CatalogError(f"{path} has no checks: functions called test_...")
    return tuple(checks)


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _tests(tree: ast.AST) -> Iterator[_Function]:
    """The functions that pytest may take for tests, in order."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, _Function):
            yield from _tests(node)
        elif node.name.startswith("test_"):
            yield node


def _not_once(node: _Function, tree: ast.Module) -> str:
    """Why a check would not count as often as it is written, and what to do."""
    if isinstance(node, ast.AsyncFunctionDef):
        return "is a coroutine, which nothing would wait for; write it without async"
    if node not in tree.body:
        return (
            f"on line {node.lineno} lies in a class or a block, where it would not "
            "count; write it at the left edge"
        )
    marks = {
        part.attr
        for decorator in node.decorator_list
        for part in ast.walk(decorator)
        if isinstance(part, ast.Attribute)
    }
    if "parametrize" in marks:
        return (
            "is parametrized, and would count as one check; write a check for each, or "
            "a loop in it"
        )
    return ""


def _is_points(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "points"


def _points(decorator: ast.expr) -> int | None:
    if (
        isinstance(decorator, ast.Call)
        and _is_points(decorator)
        and len(decorator.args) == 1
        and isinstance(decorator.args[0], ast.Constant)
        and type(decorator.args[0].value) is int
    ):
        return decorator.args[0].value
    return None
