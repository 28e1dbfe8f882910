"""What is wrong with a course that can be seen without running anything."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from grader.authoring.answers import announced, programs
from grader.authoring.fault import Fault
from grader.catalog import Course, Exercise, is_name
from grader.diagnosis.texts import all_ids, own_ids, read_text
from grader.errors import CatalogError

_MOST_POINTS = 100

# Where the functions that make findings take the diagnosis: which argument it is.
_TAKES_DIAGNOSIS = {"found": 0, "Finding": 0, "is_": 1}


def exercise_names(course: Course) -> list[str]:
    """The names of all folders that may be exercises, in order."""
    named = [path.name for path in course.exercises.iterdir() if is_name(path.name)]
    return sorted(named, key=lambda name: int(name.removeprefix("exercise")))


def inspect(course: Course, names: Sequence[str]) -> tuple[list[Exercise], list[Fault]]:
    """Those of these exercises that can be graded, and all that is wrong."""
    exercises: list[Exercise] = []
    faults = list(_course_faults(course))
    for name in names:
        faults += _folder_faults(course, name)
        if any(not (course.exercises / name / p).is_file() for p in _parts(name)):
            continue
        exercise = _read(course, name)
        if isinstance(exercise, Fault):
            faults.append(exercise)
        else:
            exercises.append(exercise)
            faults += _exercise_faults(exercise)
    return exercises, faults


def _read(course: Course, name: str) -> Exercise | Fault:
    """One exercise, or why it cannot be read."""
    try:
        return course.read(name)
    except CatalogError as error:
        return Fault(_from_here(str(error)), "mend it; docs/authoring.md has the rules")
    except OSError as error:
        path = Path(error.filename or course.exercises / name)
        return Fault.in_file(path, f"it cannot be read: {error.strerror}", "permit it")


def _from_here(sentence: str) -> str:
    return sentence.replace(f"{Path.cwd()}/", "")


# --- the course ---------------------------------------------------------------


def _course_faults(course: Course) -> Iterator[Fault]:
    """What is wrong with a course apart from its exercises."""
    names = exercise_names(course)
    elsewhere = "give it an exercise's name, such as exercise9, or move it elsewhere"
    yield from _stray(course.exercises, {*names, "README.md"}, elsewhere)
    for folder in (course.solutions, course.hidden):
        cure = f"make a folder of that name in {course.exercises.name}/, or take it out"
        yield from _stray(folder, {*names, "README.md"}, cure)
    yield from _diagnosis_faults(course.diagnoses)


def _stray(folder: Path, known: Collection[str], cure: str) -> Iterator[Fault]:
    """What lies in a folder and has no business there."""
    if not folder.exists():
        return
    if not folder.is_dir():
        yield Fault.in_file(folder, "it is not a folder", "make it one")
        return
    for path in sorted(folder.iterdir()):
        if path.name not in known and path.name != "__pycache__":
            yield Fault.in_file(path, "it is no part of the course", cure)


def _diagnosis_faults(folder: Path) -> Iterator[Fault]:
    if not folder.is_dir():
        yield from _stray(folder, (), "")
        return
    texts = sorted(folder.glob("*.md"))
    names = {path.name for path in texts}
    yield from _stray(folder, names, "a diagnosis is a file ID.md; move it elsewhere")
    for path in texts:
        if path.stem in own_ids():
            yield Fault.in_file(
                path,
                "forklab has a diagnosis of that name, and its text is used",
                "give this one another name",
            )
        try:
            read_text(path)
        except (OSError, ValueError) as error:
            yield Fault.in_file(
                path, f"it is no diagnosis: {error}", "write it as forklab's own are"
            )


# --- an exercise's folders ----------------------------------------------------


def _folder_faults(course: Course, name: str) -> Iterator[Fault]:
    """What is missing in an exercise's folders, and what is one too many."""
    public, answers = course.exercises / name, course.solutions / name
    parts = _parts(name)
    yield from _missing(public, parts, "write it")
    handed_out = "move it elsewhere: this folder goes to students"
    yield from _stray(public, parts, handed_out)
    if answers.is_dir():
        yield from _missing(answers, [f"{name}.py"], "write the reference solution")
        cure = "answers lie in right/ and wrong/; move it there, or elsewhere"
        yield from _stray(answers, {f"{name}.py", "right", "wrong"}, cure)
        for kind in ("right", "wrong"):
            yield from _answer_folder_faults(answers / kind)
    else:
        yield Fault.in_file(
            answers, "it is missing", "put the reference and other answers there"
        )
    yield from _stray(
        course.hidden / name,
        [f"test_{name}.py"],
        "hidden checks are one file; move it elsewhere",
    )


def _parts(name: str) -> tuple[str, ...]:
    return ("README.md", "stub.py", "exercise.toml", f"test_{name}.py")


def _missing(folder: Path, parts: Collection[str], cure: str) -> Iterator[Fault]:
    for part in parts:
        if not (folder / part).is_file():
            yield Fault.in_file(folder / part, "it is missing", cure)


def _answer_folder_faults(folder: Path) -> Iterator[Fault]:
    found = programs(folder)
    names = {path.name for path in found}
    yield from _stray(folder, names, "an answer is one file NAME.py; move it elsewhere")
    if not found:
        yield Fault.in_file(
            folder, "there is no answer in it", f"write one {folder.name} answer"
        )
    if folder.name == "wrong":
        for path in found:
            yield from _wrong_answer_faults(path)


def _wrong_answer_faults(path: Path) -> Iterator[Fault]:
    source = path.read_bytes()
    ids = announced(source)
    if not ids:
        yield Fault.in_file(
            path,
            "its first line names no diagnosis",
            "begin it with `# diagnosis: ID`, as in `# diagnosis: zombie-left`",
        )
    yield from _unknown(path, ids, "line 1")
    if not re.match(rb"[^\n]*\n#\s*\S", source):
        yield Fault.in_file(
            path, "its second line is no comment", "say the misconception there"
        )


def _unknown(path: Path, ids: Collection[str], where: str) -> Iterator[Fault]:
    """Diagnoses that have no text."""
    for identity in ids:
        if identity not in all_ids():
            yield Fault.in_file(
                path,
                f"{where} names the diagnosis {identity!r}, which has no text",
                "take one that `grade explain` lists, or write "
                f"diagnoses/{identity}.md",
            )


# --- what an exercise says ----------------------------------------------------


def _exercise_faults(exercise: Exercise) -> Iterator[Fault]:
    """What is wrong with the words, points and checks of an exercise."""
    yield from _metadata_faults(exercise)
    yield from _handout_faults(exercise)
    yield from _check_faults(exercise)
    for path in exercise.checks_files:
        for line, identity in named_diagnoses(path.read_text(encoding="utf-8-sig")):
            yield from _unknown(path, [identity], f"line {line}")


def _metadata_faults(exercise: Exercise) -> Iterator[Fault]:
    path = exercise.folder / "exercise.toml"
    texts = {"title": exercise.title, "summary": exercise.summary}
    for key, text in texts.items():
        if not text.strip():
            yield Fault.in_file(path, f"{key!r} is empty", "write it")
    for key, entries in {"teaches": exercise.teaches, "hints": exercise.hints}.items():
        if not entries:
            yield Fault.in_file(path, f"{key!r} is empty", "give at least one")
        for number, entry in enumerate(entries, start=1):
            if not entry.strip():
                cure = "write it, or take it out"
                yield Fault.in_file(path, f"{key!r} {number} is empty", cure)
        for entry, times in Counter(entries).items():
            if times > 1 and entry.strip():
                what = f"{key!r} has {entry!r} {times} times"
                yield Fault.in_file(path, what, "let each say something new")


def _handout_faults(exercise: Exercise) -> Iterator[Fault]:
    path = exercise.handout
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        yield Fault.in_file(path, "it is not UTF-8 text", "save it as UTF-8")
        return
    needs = {
        r"\A#\s*\S": ("begins with no title", "begin it with `# ` and a title"),
        rf"\b{exercise.name}\.py\b": (
            f"never names {exercise.program}",
            "say that this is the file to write",
        ),
        rf"\bgrade {exercise.name}\b": (
            f"never says `grade {exercise.name}`",
            "say how the program is graded",
        ),
        r"\b\w+\([1-8]\)": (
            "names no manual page",
            "say what to read, such as fork(2)",
        ),
    }
    for pattern, (what, cure) in needs.items():
        if not re.search(pattern, text):
            yield Fault.in_file(path, f"the hand-out {what}", cure)


def _check_faults(exercise: Exercise) -> Iterator[Fault]:
    path = exercise.checks_file
    total = sum(check.points for check in exercise.checks)
    if total > _MOST_POINTS:
        yield Fault.in_file(
            path,
            f"the checks give {total} points together",
            f"give {_MOST_POINTS} at most; a gradebook weighs exercises",
        )
    for title, times in Counter(check.title for check in exercise.checks).items():
        if times > 1:
            yield Fault.in_file(
                path, f"{times} checks are called {title!r}", "give each its own title"
            )


def named_diagnoses(source: str) -> Iterator[tuple[int, str]]:
    """The diagnoses that checks name as they make findings, with their lines."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        called = function.attr if isinstance(function, ast.Attribute) else None
        if isinstance(function, ast.Name):
            called = function.id
        place = _TAKES_DIAGNOSIS.get(called or "")
        if place is None:
            continue
        given = [*node.args[place : place + 1]]
        given += [word.value for word in node.keywords if word.arg == "diagnosis"]
        for argument in given:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.lineno, argument.value
