"""What came of grading a course: one file for each student and exercise.

    RESULTS/verdicts/STUDENT/EXERCISE.json    a result
    RESULTS/failed/STUDENT/EXERCISE.json      the grader itself could not do its work

Each is written whole or not at all, as soon as it is known, so whatever ends the work
loses at most what was being graded.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from grader import __version__
from grader.catalog import Exercise
from grader.course.handed_in import Attempt
from grader.course.likeness import shape
from grader.errors import GraderError, UsageError, unwritable, with_cure
from grader.files import remove_unfinished, write_whole
from grader.report.text import some
from grader.verdict import Outcome, Verdict

_LOST = "its verdict cannot be read; `grade course` grades it again"

# What lockf(3) says where a file system has none, such as some on a network.
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)

_LONGEST_NAME = 200  # of the 255 bytes that most file systems have


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict on what one student handed in for one exercise.

    `key` stands for all that the verdict depends on, see `key_of`; `shape` is what
    stays of the program when everything in it is renamed, see `likeness.shape`.
    """

    student: str
    name: str
    file: str
    handed_in: str | None
    late: bool
    key: str
    verdict: Verdict
    shape: str = ""

    @classmethod
    def of(cls, attempt: Attempt, key: str, verdict: Verdict) -> Result:
        """The result of an attempt."""
        return cls(
            attempt.student,
            attempt.name,
            attempt.file,
            _moment(attempt),
            attempt.late,
            key,
            verdict,
            shape(attempt.source),
        )

    def now_of(self, attempt: Attempt) -> Result:
        """The same result of the same program, as it is handed in now."""
        return replace(
            self,
            name=attempt.name,
            file=attempt.file,
            handed_in=_moment(attempt),
            late=attempt.late,
            verdict=replace(self.verdict, submission=attempt.file),
        )

    def as_json(self) -> dict[str, Any]:
        """This result with its verdict's schema, see docs/verdict.md."""
        fields = {key: getattr(self, key) for key in self.__slots__}
        return {**fields, "verdict": self.verdict.as_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """Read what `as_json` wrote.

        Raises ``ValueError`` where it is something else.
        """
        try:
            return cls(**{**data, "verdict": Verdict.from_json(data["verdict"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a result: {error}") from error


def _moment(attempt: Attempt) -> str | None:
    return attempt.when.isoformat() if attempt.when else None


def key_of(attempt: Attempt, exercise: Exercise) -> str:
    """What a verdict depends on: the program, the exercise, the grader, and Python."""
    digest = blake2b(digest_size=16)
    parts = [__version__.encode(), platform.python_version().encode()]
    parts += [attempt.source, exercise.name.encode()]
    parts += [
        exercise.stub.read_bytes(),
        json.dumps(asdict(exercise.limits)).encode(),
        bytes(check.hidden for check in exercise.checks),
    ]
    parts += [path.read_bytes() for path in exercise.checks_files]
    if exercise.diagnoses is not None:
        parts += [path.read_bytes() for path in sorted(exercise.diagnoses.glob("*.md"))]
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A file for a lock. Raises `UsageError` where it is none, but a link, say."""
    how = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        lock = os.open(path, how, 0o666)
    except OSError as error:
        raise unwritable(error, path) from error
    try:
        if not stat.S_ISREG(os.fstat(lock).st_mode):
            raise UsageError(f"{path} is no file; remove it, or name another folder")
        yield lock
    finally:
        os.close(lock)


def _is_still(lock: int, path: Path) -> bool:
    """Whether a file that is open still has that name."""
    try:
        return os.path.samestat(os.fstat(lock), os.lstat(path))
    except OSError:
        return False


class Results:
    """A folder of results. Several processes may write to it at once.

    `damaged` are the files that `verdicts` and `failed` met so far and could not read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.damaged: list[Path] = []

    def make(self) -> None:
        """Make the folder, if it is not there.

        Raises `UsageError` where there can be no such folder.
        """
        try:
            for part in ("verdicts", "failed"):
                (self.folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"{self.folder} cannot be made: {with_cure(error)}"
            ) from error
        if not os.access(self.folder / "verdicts", os.W_OK):
            raise UsageError(
                f"{self.folder} cannot be written: permission denied; change its "
                "permissions, or name another place"
            )

    @contextmanager
    def alone(self) -> Iterator[str]:
        """Write to the folder, which `make` has made, as the one command that does.

        What another one left unfinished is removed. A sentence, where this file system
        has no locks, and nobody can know who else is at work; empty where it has.

        Raises `UsageError` where another command is at work there, or there can be no
        lock, and `GraderError` where the folder was removed meanwhile.
        """
        # It stays: whoever waited for a lock on a file that is removed has none.
        path = self.folder / ".lock"
        with _opened(path) as lock:
            warning = ""
            try:
                # Not flock(2): a killed command's graders would hold that on.
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError) as error:
                raise UsageError(
                    f"another `grade course` is writing to {self.folder}; wait until "
                    "it has ended, or name another folder"
                ) from error
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                warning = (
                    f"{self.folder} lies where files cannot be locked; see that no "
                    "other `grade course` writes to it meanwhile"
                )
            for part in ("verdicts", "failed"):
                for folder in (self.folder / part).iterdir():
                    remove_unfinished(folder)
            remove_unfinished(self.folder)
            yield warning
            if not _is_still(lock, path):
                raise GraderError(
                    f"{self.folder} was removed or moved while results were written "
                    "to it; the same command grades again what is missing"
                )

    def _path(self, part: str, student: str, exercise: str) -> Path:
        return self.folder / part / folder_name(student) / f"{exercise}.json"

    def save(self, result: Result) -> None:
        """Keep a result.

        A failure of the grader leaves the verdict on the same program as it is; one on
        another, which was handed in before, counts no more.

        Raises `GraderError` where it cannot be written.
        """
        failed = result.verdict.outcome is Outcome.GRADER_ERROR
        student, exercise = result.student, result.verdict.exercise
        path = self._path("failed" if failed else "verdicts", student, exercise)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GraderError(
                f"{path.parent} cannot be made: {with_cure(error)}"
            ) from error
        text = json.dumps(result.as_json(), indent=1, ensure_ascii=False)
        write_whole(path, text.encode(errors="backslashreplace").decode() + "\n")
        before = self.find(student, exercise) if failed else None
        with suppress(FileNotFoundError):
            if not failed:
                self._path("failed", student, exercise).unlink()
            elif before is not None and before.key != result.key:
                self._path("verdicts", student, exercise).unlink()

    def find(self, student: str, exercise: str) -> Result | None:
        """The verdict that is there already; None where there is none to trust."""
        return _read(self._path("verdicts", student, exercise))

    def has_failed(self, student: str, exercise: str) -> bool:
        """Whether the grader could not do its work the last time that it tried."""
        return self._path("failed", student, exercise).exists()

    def knows(self, student: str) -> bool:
        """Whether anything of a student was graded."""
        folder = folder_name(student)
        return any((self.folder / p / folder).is_dir() for p in ("verdicts", "failed"))

    def verdicts(self) -> Iterator[Result]:
        """All results with a verdict, by student and exercise."""
        return self._all("verdicts")

    def failed(self) -> Iterator[Result]:
        """All that the grader itself could not do."""
        return self._all("failed")

    def _all(self, part: str) -> Iterator[Result]:
        files: Iterable[Path] = sorted((self.folder / part).glob("*/*.json"))
        for path in files:
            result = _read(path)
            if result is not None:
                yield result
            elif path not in self.damaged and not self._has_verdict(path):
                self.damaged.append(path)

    def _has_verdict(self, failed: Path) -> bool:
        """Whether a failure, whatever it was, has a verdict beside it that counts."""
        place = Path("verdicts", failed.parent.name, failed.name)
        return _read(self.folder / place) is not None

    def lost(self, students: Iterable[str]) -> Iterator[Result]:
        """What stands for the damaged files: handed in, and without a verdict.

        `students` are those whose folder's name tells who they are.
        """
        known = {folder_name(student): student for student in students}
        for path in self.damaged:
            folder = path.parent.name
            named = folder[1:] if folder.startswith("%.") else folder
            student = known.get(folder) or unquote(named)
            file = str(path.relative_to(self.folder))
            verdict = Verdict(path.stem, file, (), error=_LOST)
            yield Result(student, "", file, None, False, "", verdict)

    def damage(self, exercises: Collection[str] | None = None) -> str:
        """A sentence on the damaged files, of all or of these exercises.

        Empty where there are none.
        """
        damaged = [p for p in self.damaged if not exercises or p.stem in exercises]
        if not damaged:
            return ""
        files = some([str(path.relative_to(self.folder)) for path in damaged])
        return (
            f"no verdict can be read from {files} in {self.folder}; `grade course` "
            "grades again what is damaged"
        )

    def keep_out(self, path: Path) -> None:
        """Raises `UsageError` where something else would be written into it."""
        if path.resolve().is_relative_to(self.folder.resolve()):
            raise UsageError(
                f"{path} lies in the folder of results; name a place outside "
                f"{self.folder.name or self.folder}"
            )


def folder_name(student: str) -> str:
    """A name that a folder can have, another for each student, and never a path."""
    # File names may be no text at all, and then hold what no encoding has.
    name = quote(student.encode("utf-8", "surrogatepass"), safe=" @+,=")
    if not name or name.startswith("."):
        name = f"%{name}"
    if len(name) > _LONGEST_NAME:
        digest = blake2b(name.encode(), digest_size=8).hexdigest()
        name = f"{name[:100]}%{digest}"
    return name


def _read(path: Path) -> Result | None:
    try:
        return Result.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return None  # not there, or of another version: it is graded again
