"""What was handed in: folders, files and exported archives -> attempts.

Each platform exports in its own way:

    Moodle            Ada Lovelace_4711_assignsubmission_file_/exercise2.py
    Canvas            lovelaceada_LATE_4711_815_exercise2-1.py
    Gradescope        submission_4711/exercise2.py beside submission_metadata.yml
    GitHub Classroom  pipes-submissions/pipes-ada/exercises/exercise2/exercise2.py
    a folder each     ada/exercise2.py, or exercise2/ada/exercise2.py
    sections          groupA/ada/exercise2.py, groupA/bob_exercise2.py, or any export
    a file each       ada_exercise2.py, or ada.py where one exercise is graded

A file that is named after an exercise never counts for another one. What fits none of
these is not graded, and told: of a student who handed in nothing else by name, of the
others in a sentence for all.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from grader.course.archives import (
    LEADS_OUT,
    LINK,
    METADATA,
    NO_PROGRAM,
    SUFFIXES,
    Found,
    is_archive,
    is_program,
    read,
    stem,
)
from grader.course.files import (
    HandedFile,
    files_of,
    gradescopes,
    is_metadata,
    unwrapped,
    without_results,
)
from grader.course.owners import (
    Owner,
    classroom_prefix,
    exercise_of,
    gradescope,
    names_an_exercise,
    owner_of_file,
    owner_of_folder,
)
from grader.course.sections import Namesakes, Sections, in_exercise
from grader.errors import UsageError
from grader.report.text import counted, some

# So many files of one student who handed in no program are told, and of one kind.
_MOST_TOLD = 3


class _Kind(NamedTuple):
    """What a file is that is no attempt, as a sentence about several goes on."""

    what: str
    noun: str = "file"


_OF_OTHERS = _Kind("of an exercise that is not graded here")
_MISNAMED = _Kind("not called exerciseN.py")
_MISSING = _Kind("of an exercise of which there is no program")
_LOST = _Kind("that cannot be read")
_UNCERTAIN = _Kind("where the one that counts cannot be read")
_SECOND = _Kind("where another one of the same student and exercise is graded")
_NOBODYS = _Kind("under no student's name")
_NOBODYS_LINK = _Kind("under no student's name", "link")
_ELSEWHERE = _Kind("with a path that leads out of what was handed in")
_METADATA = _Kind(
    "of Gradescope's that may be a student's, since it lies not above all others"
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A program that somebody handed in for an exercise.

    `student` is whatever tells people apart in what was handed in: a platform's
    number or name, or a folder's name; `name` is a person's, where it is known.
    `number` counts attempts where the platform does, and `late` is what it says,
    before any due date is looked at.
    """

    student: str
    exercise: str
    file: str
    source: bytes
    when: datetime | None = None
    number: int = 0
    name: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True)
class NoProgram:
    """A file that somebody handed in, and why it is not graded: "is no .py file".

    `exercise` is empty where nothing says for which it was meant. `lost`: it may well
    be a program, or hold some; `ours`: and no student is to blame for that.
    """

    student: str
    exercise: str
    file: str
    why: str
    name: str = ""
    lost: bool = False
    ours: bool = False


@dataclass(frozen=True, slots=True)
class NotGraded:
    """A file that is no attempt, and what it is: "of an exercise that ..."."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class HandedIn:
    """All attempts; what students handed in instead; what else lay there.

    `ignored` has a sentence for each kind of file in `not_graded`, of which `untold`
    are not named there; and `lost` has one for each file or folder that cannot be read,
    for which no student is to blame.
    """

    attempts: list[Attempt]
    no_programs: list[NoProgram]
    ignored: list[str]
    lost: list[str] = field(default_factory=list)
    not_graded: list[NotGraded] = field(default_factory=list)
    untold: int = 0

    def names(self) -> dict[str, str]:
        """Everybody who handed something in: each one's name, empty if not known."""
        found = {file.student: file.name for file in self.no_programs}
        return found | {attempt.student: attempt.name for attempt in self.attempts}


@dataclass(slots=True)
class _Work:
    """What one student handed in, for all exercises or for one alone.

    `flat`: among the files of others, where each file may be an attempt of its own.
    """

    exercise: str
    flat: bool
    files: list[HandedFile] = field(default_factory=list)


def handed_in(
    path: Path, exercises: Collection[str], *, without: Path | None = None
) -> HandedIn:
    """All attempts in a folder or an archive, for these exercises.

    `without` is a folder in it that is nobody's work.

    Raises `UsageError` where nothing can be read there, or nothing of it is a
    submission.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist; name the folder of all submissions")
    if not path.is_dir() and not is_archive(path):
        raise UsageError(
            f"{path} is neither a folder nor an archive ({', '.join(SUFFIXES)})"
        )
    reading = _Reading(exercises)
    reading.read(stem(path.resolve()), read(path, without=without))
    if not reading.attempts:
        raise UsageError(f"there is no submission in {path}{_cure(reading, exercises)}")
    return HandedIn(
        reading.attempts,
        reading.no_programs,
        reading.ignored(),
        [*reading.lost],
        reading.not_graded(),
        sum(max(0, len(files) - _MOST_TOLD) for files in reading.unused.values()),
    )


def _cure(reading: _Reading, exercises: Collection[str]) -> str:
    if reading.lost:
        more = f" (and {len(reading.lost) - 1} more)" * (len(reading.lost) > 1)
        return f": {next(iter(reading.lost))}{more}"
    if reading.doubtful:
        return f": {_on_sections(reading.doubtful)}"
    nobodys = [PurePosixPath(name) for name in reading.unused[_NOBODYS]]
    lost = next((path for path in nobodys if names_an_exercise(path.stem)), None)
    if lost is not None:
        return (
            f": nothing says whose {lost} is; put it into a folder that is called as "
            "its student"
        )
    unnamed = [PurePosixPath(file.file) for file in reading.no_programs] + nobodys
    example = next(filter(is_program, unnamed), None)
    if example is not None and len(exercises) > 1:
        return (
            f": {example} says not which exercise it is of; with --exercise NAME a "
            "student's only program counts for that one, whatever it is called"
        )
    if reading.no_programs:
        # What cannot be read may well have held everything.
        files = sorted(reading.no_programs, key=lambda file: file.why == NO_PROGRAM)
        more = f" (and {len(files) - 1} more)" * (len(files) > 1)
        return f": {files[0].file} {files[0].why}{more}"
    wanted = ", ".join(f"{name}.py" for name in sorted(exercises))
    return (
        f": one is STUDENT/{wanted}, or what Moodle, Canvas, Gradescope or GitHub "
        "Classroom export"
    )


def newest(attempts: Iterable[Attempt]) -> list[Attempt]:
    """The attempt that counts, of each student for each exercise: the last one."""
    last: dict[tuple[str, str], Attempt] = {}
    for attempt in attempts:
        key = attempt.student, attempt.exercise
        if key not in last or _order(attempt) >= _order(last[key]):
            last[key] = attempt
    return [last[key] for key in sorted(last)]


def marked_late(attempt: Attempt, due: datetime | None) -> Attempt:
    """An attempt that is late if it came after it was due, or its platform says so."""
    if due is None or attempt.when is None or attempt.when <= due:
        return attempt
    return replace(attempt, late=True)


def _order(attempt: Attempt) -> tuple[int, datetime, str]:
    when = attempt.when or datetime.min.replace(tzinfo=UTC)
    return attempt.number, when, attempt.file


class _Reading:
    """Sorts files by who handed them in, then says which of them are attempts."""

    def __init__(self, exercises: Collection[str]) -> None:
        self._exercises = exercises
        self.doubtful: Sequence[str] = ()
        self.namesakes = ""
        self.nameless: list[str] = []
        self.attempts: list[Attempt] = []
        self.no_programs: list[NoProgram] = []
        self.unused: dict[_Kind, list[str]] = defaultdict(list)
        self.lost: dict[str, None] = {}  # a file may be of several students

    def ignored(self) -> list[str]:
        """A sentence for each kind of file that is not graded, and one on sections."""
        told = [_sentence(kind, files) for kind, files in self.unused.items() if files]
        sections = _on_sections(self.doubtful) if self.doubtful else ""
        nameless = _on_nameless(self.nameless) if self.nameless else ""
        return [*told, *filter(None, (sections, self.namesakes, nameless))]

    def not_graded(self) -> list[NotGraded]:
        """Each file that is not graded and no student's instead of a program."""
        return [
            NotGraded(file, kind.what)
            for kind, files in self.unused.items()
            for file in sorted(files)
        ]

    def read(self, top: str, found: Found) -> None:
        """Everything that was found; `top` is what its folder is called."""
        top, files = unwrapped(top, without_results(files_of(found)))
        exports = gradescopes(files)
        for metadata, export in exports:
            self._read_gradescope(metadata, export)
        exported = {file.name for _, export in exports for file in export}
        files = [file for file in files if file.name not in exported]
        self.unused[_METADATA] += [f.name for f in files if is_metadata(f)]
        files = [file for file in files if not is_metadata(file)]
        for work in self._by_student(top, files):
            self._sort(work)
        # A student may have handed in one file here and another one there.
        graded = {(attempt.student, attempt.exercise) for attempt in self.attempts}
        instead, self.no_programs = self.no_programs, []
        for file in instead:
            if (file.student, file.exercise) not in graded:
                self.no_programs.append(file)
            elif is_program(PurePosixPath(file.file)) and not file.ours:
                self.unused[_SECOND].append(file.file)

    def _read_gradescope(self, metadata: bytes, files: Sequence[HandedFile]) -> None:
        known = gradescope(metadata)
        folders: dict[str, list[HandedFile]] = defaultdict(list)
        for file in files:
            if is_metadata(file):
                continue
            if len(file.path) > 1:
                folders[file.path[0]].append(file)
            else:
                self._leave_out(_NOBODYS, file)
        for folder, inside in folders.items():
            about = known.get(folder)
            if about is None or about.owners == (Owner(folder),):
                self.nameless.append(folder)
            for owner in about.owners if about else (Owner(folder),):
                own = [replace(f, owner=owner, word=f.stem) for f in inside]
                before = len(self.attempts)
                self._sort(_Work("", flat=False, files=own))
                if about and about.when:
                    self.attempts[before:] = [
                        replace(attempt, when=about.when)
                        for attempt in self.attempts[before:]
                    ]

    def _by_student(self, top: str, files: Sequence[HandedFile]) -> Iterable[_Work]:
        works: dict[tuple[str, str, bool], _Work] = {}
        for file, exercise, flat in self._owned(top, files):
            if exercise and exercise not in self._exercises:
                self._leave_out(_OF_OTHERS, file)
            elif not file.owner.student:
                self._leave_out(_NOBODYS, file)
            else:
                key = file.owner.student, exercise, flat
                works.setdefault(key, _Work(exercise, flat)).files.append(file)
        return works.values()

    def _leave_out(self, kind: _Kind, file: HandedFile) -> None:
        """Tell of a file that it is not graded: which kind of file it is."""
        if file.is_ours and kind != _OF_OTHERS:
            self.lost[str(file.unread)] = None
        elif file.is_lost and kind != _OF_OTHERS:
            self.unused[_LOST].append(file.name)
        elif file.why == LEADS_OUT:
            self.unused[_ELSEWHERE].append(file.name)
        elif kind == _NOBODYS and file.why == LINK:
            self.unused[_NOBODYS_LINK].append(file.name)
        else:
            self.unused[kind].append(file.name)

    def _owned(
        self, top: str, files: Sequence[HandedFile]
    ) -> Iterator[tuple[HandedFile, str, bool]]:
        """Each file of somebody; in which exercise's folder; whether it is flat."""
        inner = [in_exercise(file.path) for file in files]
        paths = [
            (file.is_called_program, path)
            for file, (_, path) in zip(files, inner, strict=True)
        ]
        sections = Sections(
            [path for is_program, path in paths if is_program],
            [path for is_program, path in paths if not is_program],
            closed=[
                path[:-1]
                for file, (_, path) in zip(files, inner, strict=True)
                if _is_closed(file)
            ],
            alone=len(self._exercises) == 1,
        )
        self.doubtful = sections.doubtful
        found = []
        for file, (exercise, path) in zip(files, inner, strict=True):
            section, path = sections.inner(path)
            if section and not exercise:
                exercise, path = in_exercise(path)
            if len(path) > 1:
                prefix = classroom_prefix(section) or classroom_prefix(top)
                owner, word = owner_of_folder(path[0], prefix), file.stem
            else:
                owner, word = self._among_others(file, exercise)
            file = replace(file, owner=owner, word=word)
            found.append((section, file, exercise, len(path) == 1))
        namesakes = Namesakes(
            [
                (section, file.owner, which)
                for section, file, exercise, _ in found
                for which in self._may_be_of(file, exercise)
            ]
        )
        self.namesakes = namesakes.told()
        for section, file, exercise, flat in found:
            student = namesakes.student(section, file.owner)
            owner = replace(file.owner, student=student)
            yield replace(file, owner=owner), exercise, flat

    def _may_be_of(self, file: HandedFile, exercise: str) -> Collection[str]:
        """Of which exercises a file is or holds something; empty if of none."""
        known = exercise or file.exercise
        return self._exercises if _is_closed(file) and not known else (known,)

    def _among_others(self, file: HandedFile, exercise: str) -> tuple[Owner, str]:
        """Whose a file among those of others is, and its name without that."""
        # A file that is no program may have any name: it is not a student's.
        alone = bool(exercise) or len(self._exercises) == 1
        alone = alone and file.is_called_program and not file.is_helper
        owner = owner_of_file(file.stem, alone=alone)
        named = names_an_exercise(owner.file)
        return owner, exercise if exercise and not named else owner.file

    def _sort(self, work: _Work) -> None:
        """Which of a student's files are attempts, and what the others are."""
        wanted = [work.exercise] if work.exercise else self._exercises
        # Of one name in an archive the last is what unpacking it would leave.
        programs = [file for file in work.files[::-1] if _may_count(file)]
        chosen: dict[str, list[tuple[int, HandedFile]]] = defaultdict(list)
        for file in sorted(programs, key=_highest_newest):
            match = exercise_of(file.word)
            if match and match[0] in wanted and (work.flat or match[0] not in chosen):
                chosen[match[0]].append((match[1], file))
        if not chosen and len(wanted) == 1 and len(programs) == 1:
            # Whatever the student called it, if not after another exercise.
            (only,), (exercise,) = programs, wanted
            if not names_an_exercise(only.word):
                chosen[exercise].append((0, only))
        # Nobody is judged by an older one than that which cannot be read.
        lost = {e for e, files in chosen.items() if max(files, key=_newness)[1].is_lost}
        used = set()
        for exercise in chosen.keys() - lost:
            for number, file in chosen[exercise]:
                if file.entry is not None:
                    self.attempts.append(_attempt(exercise, number, file))
                    used.add(id(file))
        rest = [file for file in work.files if id(file) not in used]
        self._tell(rest, chosen.keys() - lost, lost, wanted)

    def _tell(
        self,
        rest: Sequence[HandedFile],
        graded: Collection[str],
        lost: Collection[str],
        wanted: Collection[str],
    ) -> None:
        """Say what a student's files are that are not graded."""
        kinds = [
            (_UNCERTAIN if file.entry and file.exercise in lost else kind, file)
            for file in rest
            for kind in [_kind(file.word, graded, wanted)]
        ]
        others = any(kind == _OF_OTHERS and file.entry for kind, file in kinds)
        instead = [
            file
            for kind, file in kinds
            if kind == _MISSING or (kind == _MISNAMED and not graded and not others)
        ]
        # A program is more likely to be what was meant.
        instead.sort(key=lambda file: (not file.is_lost, file.entry is None))
        del instead[_MOST_TOLD:]
        self.no_programs += [_no_program(file, wanted) for file in instead]
        for kind, file in kinds:
            told = file.is_ours or file not in instead
            if told and (file.entry is not None or file.is_lost):
                self._leave_out(kind, file)


def _may_count(file: HandedFile) -> bool:
    """Whether it is a program, or would be if it could be read."""
    return file.entry is not None or (file.is_lost and file.is_called_program)


def _is_closed(file: HandedFile) -> bool:
    """Whether it stands for a folder or an archive that cannot be read."""
    return file.is_lost and not file.is_called_program


def _newness(attempt: tuple[int, HandedFile]) -> tuple[int, float]:
    """By the number that a platform gives, then by time; what is lost may be newest."""
    number, file = attempt
    if file.is_lost:
        return number, math.inf
    changed = file.entry.changed if file.entry else None
    return number, changed.timestamp() if changed else 0.0


def _no_program(file: HandedFile, wanted: Collection[str]) -> NoProgram:
    match = exercise_of(file.word)
    meant = [match[0]] if match else [*wanted]
    exercise = meant[0] if len(meant) == 1 else ""
    why = file.why or f"is not called {_alternatives(wanted)}"
    return NoProgram(
        file.owner.student,
        exercise,
        file.name,
        why,
        file.owner.name,
        file.is_lost,
        file.is_ours,
    )


def _kind(word: str, graded: Collection[str], wanted: Collection[str]) -> _Kind:
    match = exercise_of(word)
    if match is None:
        return _MISNAMED
    if match[0] in graded:
        return _SECOND
    return _MISSING if match[0] in wanted else _OF_OTHERS


def _alternatives(exercises: Collection[str]) -> str:
    names = [f"{name}.py" for name in sorted(exercises)]
    return names[0] if len(names) == 1 else "exerciseN.py"


def _sentence(kind: _Kind, files: Sequence[str]) -> str:
    told = some(sorted(files), _MOST_TOLD)
    return f"not graded: {counted(len(files), kind.noun)} {kind.what}: {told}"


def _on_sections(folders: Sequence[str]) -> str:
    return (
        f"taken for one student's folder: {some(folders)}; where it is a section's, "
        f"grade it by itself, as `grade course SUBMISSIONS/{folders[0]}`"
    )


def _on_nameless(folders: Sequence[str]) -> str:
    return (
        f"{METADATA} does not say whose {some(sorted(folders))} "
        f"{'is' if len(folders) == 1 else 'are'}: each is called as its folder, and "
        "where no :created_at: is there either, it came when its file says"
    )


def _highest_newest(file: HandedFile) -> tuple[int, float, tuple[str, ...]]:
    return len(file.path), -_newness((0, file))[1], file.path


def _attempt(exercise: str, number: int, file: HandedFile) -> Attempt:
    owner, entry = file.owner, file.entry
    assert entry is not None
    return Attempt(
        owner.student,
        exercise,
        file.name,
        entry.data,
        entry.changed,
        number,
        owner.name,
        owner.late,
    )
