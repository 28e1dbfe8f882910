"""Writing files: whole, or not at all.

What is being written has no name, open(2): O_TMPFILE, until all of it is there. Where
a file system has no such files, and for the moment in which one takes the place of
another, it is called ``.NAME.XXXXXXXX.part``, and its writer holds a lock on it. A
writer that is killed then leaves it without one; whoever writes that file the next time
removes it.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.errors import GraderError, UsageError, with_cure

# How what is not yet all there is called. File systems take 255 bytes.
_UNFINISHED = re.compile(rb"\.(.*)\.[a-z0-9_]{8}\.part", re.DOTALL)
_LONGEST_NAME = 200

_MOST_LINKS = 40  # path_resolution(7)


def check_writable(path: Path) -> None:
    """Say so before any work is done, where a file cannot be written.

    Raises `UsageError`.
    """
    _look(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    if path.exists() and not path.is_file():  # a terminal, a pipe, /dev/null
        return
    if _descriptor_of(path) is not None:
        return
    folder = (path.resolve() if path.is_symlink() else path).parent
    _check_there(folder)
    if not os.access(folder, os.W_OK) or (
        path.exists() and not os.access(path, os.W_OK)
    ):
        raise UsageError(
            f"{path} cannot be written: permission denied; change the permissions, or "
            "name another file"
        )


def check_makeable(folder: Path) -> None:
    """Say so where a folder is not there, and where it lies neither.

    Raises `UsageError`: a slip in a path is not to make a tree of folders.
    """
    _look(folder)
    _check_there(folder if folder.exists() else folder.parent)


def _check_there(folder: Path) -> None:
    """Raises `UsageError` where there is no such folder."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name another folder")
    if not folder.is_dir():
        raise UsageError(f"the folder {folder} does not exist; make it first")


def _look(path: Path) -> None:
    """Raises `UsageError` where not even that can be said of a path."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise UsageError(f"{path} cannot be used: {with_cure(error)}") from error


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or all of the new.

    A link is written through, and what is no file, such as a pipe, written to. Text is
    written as UTF-8. Raises `GraderError` where the disk is full, say; an old file is
    then as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        descriptor = _descriptor_of(path)
        if descriptor is not None:
            _write_to(descriptor, data)
        elif path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _put(Path(os.path.realpath(path)), data, over=True)
    except BrokenPipeError:
        raise  # it had a reader, who has gone
    except OSError as error:
        raise GraderError(f"{path} could not be written: {with_cure(error)}") from error


def write_new(path: Path, data: bytes) -> bool:
    """Write a file whole, unless something has that name; whether it was written.

    Also a link that leads nowhere has a name. Raises ``OSError``.
    """
    try:
        return not os.path.lexists(path) and _put(path, data, over=False)
    except OSError as error:
        error.filename = str(path)  # not what it is called meanwhile
        raise


def remove(path: Path) -> None:
    """Remove a file that an earlier `write_whole` may have written there.

    Raises `GraderError` where that is not permitted.
    """
    if path.is_file() and _descriptor_of(path) is None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise GraderError(
                f"{path} could not be removed: {with_cure(error)}"
            ) from error


def _put(path: Path, data: bytes, *, over: bool) -> bool:
    """Give a path this content, also where it has one, if `over`; whether it was."""
    remove_unfinished(path.parent, path.name)
    part = _unfinished(path)
    named = False
    descriptor = _open_unnamed(path.parent)
    try:
        if descriptor is None:
            named = True
            descriptor = _open_named(part)
        _lock(descriptor)
        before = stat.S_IMODE(path.stat().st_mode) if over and path.exists() else 0
        if before & stat.S_IRUSR:  # else nobody could read what is written now
            os.fchmod(descriptor, before)
        # Closed before it has its name: some file systems say only then that they
        # are full. The lock stays with the other descriptor.
        with open(os.dup(descriptor), "wb") as file:
            file.write(data)
        if not named:
            if _link(descriptor, path):
                return True
            if not over:
                return False
            named = True
            _link(descriptor, part)
        if not over and os.path.lexists(path):
            return False
        os.replace(part, path)
        named = False
        return True
    finally:
        if named:
            with suppress(OSError):
                os.unlink(part)
        if descriptor is not None:
            os.close(descriptor)


def _unfinished(path: Path) -> Path:
    """What `path` is called until it is all there."""
    name = os.fsdecode(os.fsencode(path.name)[:_LONGEST_NAME])
    return path.with_name(f".{name}.{secrets.token_hex(4)}.part")


def _open_unnamed(folder: Path) -> int | None:
    """A new file without a name; None where there is none, or nothing could name it."""
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    except OSError:  # whatever it is, a file with a name has it too, or can be made
        return None
    if os.path.exists(_entry(descriptor)):
        return descriptor
    os.close(descriptor)
    return None


def _open_named(part: Path) -> int:
    """A new file, which nobody takes for what a killed writer has left."""
    new = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    while True:
        descriptor = os.open(part, new, 0o666)
        _lock(descriptor)
        if os.path.exists(part):
            return descriptor
        os.close(descriptor)  # somebody came before the lock


def _link(descriptor: int, path: Path) -> bool:
    """Give a file without a name this one, unless something has it; whether it has."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # With a folder Python calls linkat(2), which can follow links.
        os.link(_entry(descriptor), path.name, dst_dir_fd=folder)
    except FileExistsError:
        return False
    finally:
        os.close(folder)
    return True


def _entry(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _lock(descriptor: int) -> None:
    """Show that whoever writes it is alive; not all file systems have locks."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def remove_unfinished(folder: Path, name: str = "") -> None:
    """Remove from a folder what writers that were killed left there.

    `name`: of the file with that name alone.
    """
    wanted = os.fsencode(name)[:_LONGEST_NAME]
    try:
        names = os.listdir(os.fsencode(folder))
    except OSError:  # one may write to a folder that one may not read
        return
    for found in names:
        match = _UNFINISHED.fullmatch(found)
        if match and wanted in (b"", match[1]):
            with suppress(OSError):  # it is gone already, or not ours
                _remove_abandoned(os.path.join(os.fsencode(folder), found))


def _remove_abandoned(part: bytes) -> None:
    """Remove a file or a folder, unless its writer has a lock on it."""
    how = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(part, how)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.isdir(part):
            shutil.rmtree(part)
        else:
            os.unlink(part)
    finally:
        os.close(descriptor)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which is called `path` afterwards, or is gone.

    Raises ``OSError`` where something has that name.
    """
    remove_unfinished(path.parent, path.name)
    part = _unfinished(path)
    part.mkdir()
    descriptor = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor)
        yield part
        part.rename(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    finally:
        os.close(descriptor)


def _descriptor_of(path: Path) -> int | None:
    """The descriptor of ours that a path such as /dev/stdout stands for, proc(5).

    To open that path would open anew what lies behind it: a file, from its beginning.
    """
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(path.parent)
        if folder == f"/proc/{os.getpid()}/fd" and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = Path(folder, os.readlink(path))
    return None


def _write_to(descriptor: int, data: bytes) -> None:
    """Write to one of our own descriptors, after what was printed there."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # the other one may be full, or have no reader
            stream.flush()
    with open(os.dup(descriptor), "wb") as file:
        file.write(data)


def keep_apart(program: Path, *reports: Path) -> None:
    """Raises `UsageError` where a report would take the place of another file."""
    seen = {program.resolve()}
    for path in reports:
        if path.resolve() in seen and not path.is_char_device():
            raise UsageError(f"{path} is written to or read already; name another file")
        seen.add(path.resolve())
