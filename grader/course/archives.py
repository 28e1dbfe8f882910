"""What lies in folders, and in zip and tar archives, read by strict rules.

Nothing is ever unpacked to a disc: what an archive holds becomes bytes with a name.
Whoever made the archive may be hostile, so only regular files count, names stay below
the archive's top, and sizes are bounded before anything is unpacked, not afterwards.
An archive that lies in a folder or in another archive is read too, and so is one in
that, as students' are in a section's: it is as if each had been unpacked where it lies.
"""

from __future__ import annotations

import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from grader.errors import UsageError, with_cure

# How Gradescope calls what it knows of an export's submissions.
METADATA = "submission_metadata.yml"

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_OTHER_SUFFIXES = (".rar", ".7z", ".gz", ".bz2", ".xz", ".tar.zst", ".zst")

# Of one program so many bytes are read: one more than any submission may have, so
# that what is too long is seen to be. Of what holds others, more.
LONGEST_FILE = (1 << 20) + 1
_LONGEST_OTHER = 32 << 20

_MOST_FILES = 100_000
_MOST_BYTES = 1 << 30
_MOST_OF_ONE = 64 << 20  # of an archive that one student handed in
# And of one that lies in another, which may be a section's; of all of them there.
_MOST_OF_INNER = 16 << 20
_MOST_OF_ALL_INNER = 512 << 20
_LONGEST_NAME = 1000
_DEEPEST = 24

# What platforms and editors leave beside a student's own files.
_HIDDEN = (".", "__MACOSX", "__pycache__")

NO_PROGRAM = "is no .py file"
LEADS_OUT = "leads out of what was handed in"
LINK = "is a link"
# What stands for the path of a file that leads out: it is nobody's.
NOWHERE = "?"
_TOO_MANY = "is among others that hold too much; unpack what they lie in"
_TOO_DEEP = "holds another archive; unpack it"
_NO_ARCHIVE = "it is damaged, or no archive"
_NOT_OPENED = "is an archive that cannot be opened here; make it a .zip"

_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # encrypted
    NotImplementedError,  # compressed in a way that Python does not know
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that was handed in: where it lay, what it holds, and since when."""

    path: PurePosixPath
    data: bytes
    changed: datetime | None


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that was handed in and is no program: as it is called, and why not.

    `why` goes on from the file's name, such as "is a link". `path` is where it lies, as
    if archives had been unpacked. `lost`: it may well be a program or hold some, but
    cannot be read; `ours`: for which no student is to blame, but this machine, or who
    made the archive of all.
    """

    name: str
    why: str
    path: PurePosixPath
    lost: bool = False
    ours: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.why}"


@dataclass(slots=True)
class Found:
    """What was read, and what could not be."""

    entries: list[Entry] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def add(self, member: Entry | Unread) -> None:
        """Keep it where it belongs."""
        if isinstance(member, Entry):
            self.entries.append(member)
        else:
            self.unread.append(member)


class _TooMuch(UsageError):
    """More than may be read of all archives together, or of one."""


class _Budget:
    """How much may still be read, of all archives together."""

    def __init__(self, most: int | None = None) -> None:
        self._files = _MOST_FILES
        self.most = self.left = _MOST_BYTES if most is None else most

    def spend(self, size: int) -> None:
        """Raises `UsageError` where it is too much."""
        self._files -= 1
        self.left -= size
        if self._files < 0 or self.left < 0:
            raise _TooMuch(
                f"there are more than {_MOST_FILES} files or {_MOST_BYTES >> 20} MB "
                "in it; hand it over in parts"
            )


def is_archive(path: Path | PurePosixPath) -> bool:
    """Whether a file's name is that of an archive."""
    return path.name.lower().endswith(SUFFIXES)


def is_packed(path: PurePosixPath) -> bool:
    """Whether it is that of an archive of any kind, also of one that is not opened."""
    return path.name.lower().endswith(SUFFIXES + _OTHER_SUFFIXES)


def stem(path: Path | PurePosixPath) -> str:
    """An archive's name without what says that it is one."""
    for suffix in SUFFIXES + _OTHER_SUFFIXES:
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.name


def read(path: Path, *, without: Path | None = None) -> Found:
    """The programs in a folder or an archive, and in archives that lie there.

    `without` is a folder in it that is nobody's work.

    Raises `UsageError` where it cannot be read at all, or holds more than is let in.
    """
    budget = _Budget()
    try:
        if path.is_dir():
            members = list(_below(path, budget, without))
        else:
            with open(path, "rb") as file:
                members = [_ours(member) for member in _unpacked(file, budget)]
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.strerror:
            why = with_cure(error)
        else:
            why = f"{_reason(error)}; export it again"
        raise UsageError(f"{path} cannot be read: {why}") from error
    return _with_nested(members, budget)


def _ours(member: Entry | Unread) -> Entry | Unread:
    """A member of what no student packed: that it is damaged is nobody's fault."""
    return replace(member, ours=member.lost) if isinstance(member, Unread) else member


def _lost(
    name: str, path: PurePosixPath, error: BaseException, *, ours: bool = False
) -> Unread:
    # A member of an archive is no archive that could be none.
    reason = _reason(error) if is_archive(path) else _reason(error, "it is damaged")
    return Unread(name, f"cannot be read: {reason}", path, lost=True, ours=ours)


def _refused(name: str, error: OSError) -> Unread | None:
    """What is said of a file that this machine does not let us read."""
    path = placed(name)
    if isinstance(path, PurePosixPath):
        return _lost(name, path, error, ours=True)
    return path


def _reason(error: BaseException, damage: str = _NO_ARCHIVE) -> str:
    """In one line; what libraries say of a damage is about each format they tried."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, NotImplementedError):
        return " ".join(str(error).split())
    if isinstance(error, RuntimeError):
        return "it is encrypted"
    return damage


def _with_nested(members: list[Entry | Unread], budget: _Budget) -> Found:
    found = Found()
    for member in members:
        if isinstance(member, Unread) or not is_archive(member.path):
            found.add(member)
            continue
        inside = _with_innermost(_opened(member, _Budget(_MOST_OF_ONE)))
        budget.spend(sum(len(e.data) for e in inside if isinstance(e, Entry)))
        for inner in inside:
            found.add(inner)
    return found


def _with_innermost(members: list[Entry | Unread]) -> list[Entry | Unread]:
    """What an archive holds, with what archives in it hold, such as a section's."""
    found: list[Entry | Unread] = []
    room = _MOST_OF_ALL_INNER
    for member in members:
        if isinstance(member, Unread) or not is_archive(member.path):
            found.append(member)
            continue
        if room <= 0:
            found.append(Unread(str(member.path), _TOO_MANY, member.path, lost=True))
            continue
        # What one student packed is not to take the room of the others.
        budget = _Budget(min(_MOST_OF_INNER, room))
        for inner in _opened(member, budget):
            deeper = isinstance(inner, Entry) and is_archive(inner.path)
            too_deep = Unread(str(member.path), _TOO_DEEP, member.path)
            found.append(too_deep if deeper else inner)
        room -= budget.most - max(0, budget.left)
    return found


def _opened(archive: Entry, budget: _Budget) -> list[Entry | Unread]:
    """What an archive holds, as if it had been unpacked; or why it is not read."""
    name = str(archive.path)
    top = archive.path.with_name(stem(archive.path))
    try:
        inside = list(_unpacked(io.BytesIO(archive.data), budget))
    except _DAMAGE as error:
        return [_lost(name, archive.path, error)]
    except _TooMuch:
        much = f"holds more than {budget.most >> 20} MB"
        return [Unread(name, much, archive.path, lost=True)]
    return [
        replace(inner, name=f"{top}/{inner.name}", path=top / inner.path)
        if isinstance(inner, Unread)
        else replace(inner, path=top / inner.path)
        for inner in inside
    ]


def is_program(path: PurePosixPath) -> bool:
    """Whether a file's name is that of a Python program."""
    return path.suffix.lower() == ".py"


def _longest(path: PurePosixPath) -> int:
    return LONGEST_FILE if is_program(path) else _LONGEST_OTHER


def _unpacked(file: IO[bytes], budget: _Budget) -> Iterator[Entry | Unread]:
    if zipfile.is_zipfile(file):
        yield from _zipped(file, budget)
    else:
        file.seek(0)
        yield from _tarred(file, budget)


def _zipped(file: IO[bytes], budget: _Budget) -> Iterator[Entry | Unread]:
    """What a zip archive holds: each member is packed by itself, and may be damaged.

    Raises what Python says of the damage where no member that counts can be read.
    """
    damage: BaseException | None = None
    any_read = False
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16) or stat.S_IFREG
            name = None if info.is_dir() else placed(info.filename, kind)
            if isinstance(name, Unread):
                yield name
            if not isinstance(name, PurePosixPath):
                continue
            try:
                with archive.open(info) as stream:
                    data = stream.read(_longest(name))
            except _DAMAGE as error:
                damage = error
                yield _lost(info.filename, name, error)
                continue
            any_read = True
            budget.spend(len(data))
            yield Entry(name, data, _date(info.date_time))
    if damage is not None and not any_read:
        raise damage


def _date(fields: tuple[int, int, int, int, int, int]) -> datetime | None:
    try:
        # A zip file does not say in which zone; most are of the one they are read in.
        return datetime(*fields).astimezone()
    except (ValueError, OverflowError):
        return None  # it may hold a 31st of February


def _tarred(file: IO[bytes], budget: _Budget) -> Iterator[Entry | Unread]:
    with tarfile.open(fileobj=file) as archive:
        for info in archive:
            name = None if info.isdir() else placed(info.name, _kind(info))
            if not isinstance(name, PurePosixPath):
                budget.spend(info.size)  # it is unpacked to find the next
                if name is not None:
                    yield name
                continue
            stream = archive.extractfile(info)
            if stream is not None:
                data = stream.read(_longest(name))
                budget.spend(max(info.size, len(data)))
                yield Entry(name, data, _moment(info.mtime))


def _kind(info: tarfile.TarInfo) -> int:
    """A member's file type, see inode(7); a hard link is a link like the others."""
    if info.isfile():
        return stat.S_IFREG
    return stat.S_IFLNK if info.issym() or info.islnk() else stat.S_IFIFO


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _below(
    folder: Path, budget: _Budget, without: Path | None
) -> Iterator[Entry | Unread]:
    """The regular files below a folder; links are not followed, nor is hidden work.

    Of a clone made by git nobody knows when its files were written: they bear the
    time of the clone.
    """
    left = os.path.abspath(without) if without is not None else None
    os.scandir(folder).close()  # of what cannot be read inside all else can be graded
    errors: list[OSError] = []
    clones: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=errors.append):
        if ".git" in (*folders, *names) or os.path.dirname(place) in clones:
            clones.add(place)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and os.path.abspath(Path(place, name)) != left
        )
        links = [name for name in folders if os.path.islink(Path(place, name))]
        for name in sorted([*names, *links]):
            file = Path(place, name)
            relative = file.relative_to(folder).as_posix()
            try:
                found = _read(file, relative, budget)
            except OSError as error:
                found = _refused(relative, error)
            if isinstance(found, Entry) and place in clones:
                found = replace(found, changed=None)
            if found is not None:
                yield found
    for refusal in errors:
        relative = Path(refusal.filename).relative_to(folder).as_posix()
        inside = PurePosixPath(relative) / stem(PurePosixPath(relative))
        if placed(f"{relative}/exercise.py") is not None:
            yield _lost(relative, inside, refusal, ours=True)


def _read(file: Path, name: str, budget: _Budget) -> Entry | Unread | None:
    path = placed(name, file.lstat().st_mode)
    if not isinstance(path, PurePosixPath):
        return path
    with open(file, "rb") as stream:
        data = stream.read(_longest(path))
        changed = os.fstat(stream.fileno()).st_mtime
    budget.spend(len(data))
    return Entry(path, data, _moment(changed))


def placed(name: str, mode: int = stat.S_IFREG) -> PurePosixPath | Unread | None:
    """Where a file lies below the top; why it is not read; None for what is hidden.

    `mode` says what kind of file it is, see inode(7).
    """
    path = PurePosixPath(name.replace("\\", "/"))
    parts = [part for part in path.parts if part != "."]
    below = PurePosixPath(*parts)
    if not parts or any(p != ".." and p.startswith(_HIDDEN) for p in parts):
        return None
    shown = name[:_LONGEST_NAME]
    if path.is_absolute() or ".." in parts:
        return Unread(shown, LEADS_OUT, PurePosixPath(NOWHERE))
    if stat.S_ISLNK(mode):
        return Unread(shown, LINK, below)
    if len(name) > _LONGEST_NAME or "\0" in name or len(parts) > _DEEPEST:
        return Unread(shown, "has a name that no program has", below)
    if not (is_program(path) or path.name == METADATA or is_archive(path)):
        packed = is_packed(path)
        return Unread(shown, _NOT_OPENED if packed else NO_PROGRAM, below)
    if not stat.S_ISREG(mode):
        return Unread(shown, "is no regular file", below)
    return below
