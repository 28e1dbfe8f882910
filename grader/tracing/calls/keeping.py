"""Which files a program may use: the tracer keeps it to them where nobody else does.

The rules are those that Landlock gets, `confinement.Kept`. A name is read in the
program's memory and followed as the kernel would follow it, `resolving`; what is not
the program's is refused with the error that Landlock gives, and as silently.

What was looked at may be something else when the kernel looks. All threads of the
program are stopped but the one that calls; those that sleep in the kernel may wake, and
other programs may share memory and folders with this one. So a call that changes
something is let pass only where none of them could have changed its names since. A call
that opens or executes may come to something else: that is seen at its exit, before
the program can use it, and ends the program.

Whose a file is, who may use it, when it was used and who is told of its use is nothing
that Landlock knows of: on every machine those calls are kept to the program's own here.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress

from grader.tracing import confinement as allowed
from grader.tracing.calls.handler import After, Handler, Then, Tracing
from grader.tracing.confinement import Kept
from grader.tracing.procfs import mapped
from grader.tracing.recording import Refused
from grader.tracing.resolving import Place, name_at, object_called, opened, place_of
from grader.tracing.shared import SHARED_MEMORY
from grader.tracing.syscalls import OPENING, TMPFILE
from grader.tracing.tracee import Call, Thread

_AT_SYMLINK_NOFOLLOW, _AT_SYMLINK_FOLLOW, _AT_REMOVEDIR = 0x100, 0x400, 0x200
_IN_DONT_FOLLOW = 0x02000000  # inotify(7)
_RENAME_EXCHANGE, _RENAME_WHITEOUT = 2, 4  # rename(2)
_MOST_INTERPRETERS = 5  # of interpreters that are scripts themselves
_FIRST_LINE = re.compile(rb"#![ \t]*([^ \t\n\0]+)")  # other space is part of a name
_MAKING = os.O_CREAT | os.O_TRUNC
_WITHOUT_NAME = " (deleted)"  # so /proc says, proc_pid_fd(5)

_Where = tuple[int | None, int]
# Where a call has its name, and the folder that this is in, if it is given one.
_FIRST: _Where = (None, 0)
_SECOND: _Where = (None, 1)
_BESIDE: _Where = (0, 1)
_IN_SECOND_FOLDER: _Where = (2, 3)

# How a call says that it does not follow a link at the end: in which argument.
_NOT_FOLLOWING = {
    "execveat": (4, _AT_SYMLINK_NOFOLLOW),
    "fchmodat2": (3, _AT_SYMLINK_NOFOLLOW),
    "fchownat": (4, _AT_SYMLINK_NOFOLLOW),
    "utimensat": (3, _AT_SYMLINK_NOFOLLOW),
    "setxattrat": (2, _AT_SYMLINK_NOFOLLOW),
    "removexattrat": (2, _AT_SYMLINK_NOFOLLOW),
    "file_setattr": (4, _AT_SYMLINK_NOFOLLOW),
    "inotify_add_watch": (2, _IN_DONT_FOLLOW),
}
_OF_LINKS = frozenset(("lchown", "lsetxattr", "lremovexattr"))
_BY_DESCRIPTOR = ("fchmod", "fchown", "fsetxattr", "fremovexattr")
_IN_FOLDER = (
    *("fchmodat", "fchmodat2", "fchownat", "futimesat", "utimensat"),
    *("setxattrat", "removexattrat", "file_setattr"),
)
_BY_NAME = (
    *("chmod", "chown", "lchown", "utime", "utimes"),
    *("setxattr", "lsetxattr", "removexattr", "lremovexattr"),
)


class _Look:
    """One look at the names of a call; what it may not do raises ``OSError``.

    `changes`: it is not enough to see afterwards what it came to.
    """

    def __init__(self, kept: Kept, thread: Thread, *, changes: bool) -> None:
        self.kept = kept
        self.thread = thread
        self._changes = changes

    def entry(self, call: Call, where: _Where) -> Place:
        """What a name is the name of, in a folder, and be it a link."""
        return self.at(call, where, follows=False, itself=True)

    def at(
        self, call: Call, where: _Where, *, follows: bool, itself: bool = False
    ) -> Place:
        """Where a name leads. Without one, what the descriptor is open on.

        `itself`: a slash behind the name of a link asks for nothing.
        """
        folder, index = where
        fd = None if folder is None else call.arguments[folder]
        address = call.arguments[index]
        if not address:
            return opened(self.thread, fd)
        name = name_at(self.thread, address)
        if itself:
            name = name.rstrip(b"/") or name[:1]
        return self.called(name, address, fd, follows=follows)

    def called(
        self, name: bytes, address: int, fd: int | None, *, follows: bool
    ) -> Place:
        """Where this name leads, which lies at that address."""
        if self._changes and self._is_shared(address, len(name) + 1):
            raise OSError(errno.EACCES, "another program could change the name")
        if not name:
            return opened(self.thread, fd)
        place = place_of(self.thread, fd, name, self.kept, follows=follows)
        if self._changes and not place.certain:
            raise OSError(errno.EACCES, "another program could change a link")
        return place

    def _is_shared(self, address: int, size: int) -> bool:
        """Whether other programs may have mapped that memory as well, shm_open(3)."""
        shared = f"{os.path.realpath(SHARED_MEMORY)}/"
        with suppress(OSError):
            return any(
                begin < address + size and address < end and file.startswith(shared)
                for begin, end, file in mapped(self.thread.pid)
            )
        return True

    def needs(self, place: Place, right: int) -> None:
        """See that a file may be used in some way."""
        if place.named and right & ~self.kept.rights(place.path):
            os.lstat(place.path)  # whether it is there at all may be known
            raise OSError(errno.EACCES, "not the program's")

    def may_be_entered(self, place: Place) -> None:
        """See that a place is no way into the folders of another process, proc(5)."""
        if self.kept.is_closed(place.path):
            os.lstat(place.path)
            raise OSError(errno.EACCES, "another process's")

    def needs_beside(self, place: Place, right: int) -> None:
        """See that a folder may be changed in some way."""
        folder = os.path.dirname(place.path)
        if not place.named or right & ~self.kept.rights(folder):
            os.stat(folder)
            raise OSError(errno.EACCES, "not in the program's folder")

    def makes(self, call: Call, where: _Where, right: int) -> None:
        """See that something may be made, which is not there yet."""
        self.may_make(self.entry(call, where), right)

    def may_make(self, place: Place, right: int) -> None:
        """See that something may be made there."""
        try:
            self.needs_beside(place, right)
        except PermissionError:
            if os.path.lexists(place.path):
                raise FileExistsError(errno.EEXIST, "it is there") from None
            raise

    def removes(self, call: Call, where: _Where, right: int) -> None:
        """See that something may be removed, if it is there."""
        place = self.entry(call, where)
        try:
            self.needs_beside(place, right)
        except PermissionError:
            os.lstat(place.path)
            raise

    def moves(self, old: Place, new: Place, made: int, removed: int) -> None:
        """See that a file may get another place; the rights to it may not grow."""
        self.needs_beside(old, removed)
        self.needs_beside(new, made)
        if os.path.lexists(new.path):
            self.needs_beside(new, allowed.REMOVE_FILE)
        folders = os.path.dirname(old.path), os.path.dirname(new.path)
        if folders[0] == folders[1]:
            return
        before, after = map(self.kept.rights, folders)
        if not before & after & allowed.MOVE or after & ~before:
            raise OSError(errno.EXDEV, "from another folder")


def open_flags(call: Call) -> int:
    """How open(2) and its relatives are to open a file."""
    if call.name == "creat":
        return os.O_CREAT | os.O_WRONLY | os.O_TRUNC
    return call.arguments[1 if call.name == "open" else 2]


def _changes(call: Call) -> bool:
    if call.name in OPENING:
        return bool(open_flags(call) & (_MAKING | TMPFILE))
    return call.name not in ("execve", "execveat", "chdir")


def _open(look: _Look, call: Call) -> None:
    flags = open_flags(call)
    alone = flags & os.O_CREAT and flags & os.O_EXCL
    follows = not (flags & os.O_NOFOLLOW or alone)
    place = look.at(call, _BESIDE if call.name == "openat" else _FIRST, follows=follows)
    call.place = place.path
    if flags & os.O_PATH:
        look.may_be_entered(place)  # it can be neither read nor changed
        return
    right = _to_open(flags, place)
    if flags & TMPFILE:
        right = allowed.WRITE_FILE | allowed.MAKE_FILE
    elif flags & os.O_CREAT and place.named and not os.path.lexists(place.path):
        look.needs_beside(place, allowed.MAKE_FILE | right)
        return
    elif alone:
        raise FileExistsError(errno.EEXIST, "it is there")
    look.needs(place, right)


def _is_fifo(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.lstat(path).st_mode)
    except OSError:
        return False


def _to_open(flags: int, place: Place) -> int:
    """The right to open what is there in such a way."""
    access = flags & os.O_ACCMODE
    right = 0
    if access != os.O_WRONLY:
        folder = place.named and os.path.isdir(place.path)
        right |= allowed.READ_FOLDER if folder else allowed.READ_FILE
    if access != os.O_RDONLY:
        right |= allowed.WRITE_FILE
    if flags & os.O_TRUNC:
        right |= allowed.TRUNCATE
    return right


def _truncate(look: _Look, call: Call) -> None:
    look.needs(look.at(call, _FIRST, follows=True), allowed.TRUNCATE)


def _execute(look: _Look, call: Call) -> None:
    where = _FIRST if call.name == "execve" else _BESIDE
    place = look.at(call, where, follows=_follows(call))
    look.needs(place, allowed.EXECUTE)
    for _ in range(_MOST_INTERPRETERS):
        interpreter = _interpreter(place)
        if interpreter is None:
            return
        place = look.called(interpreter, 0, None, follows=True)
        look.needs(place, allowed.EXECUTE)


def _interpreter(place: Place) -> bytes | None:
    """What a script names in its first line, execve(2), "Interpreter scripts"."""
    if not os.path.isfile(place.file):
        return None
    try:
        with open(place.file, "rb") as file:
            named = _FIRST_LINE.match(file.read(256))
    except PermissionError:
        return None  # nor can it be run by an interpreter
    return named.group(1) if named else None


def _follows(call: Call) -> bool:
    if call.name in _OF_LINKS:
        return False
    index, flag = _NOT_FOLLOWING.get(call.name, (0, 0))
    return not call.arguments[index] & flag


def _make_folder(look: _Look, call: Call) -> None:
    look.makes(call, _FIRST if call.name == "mkdir" else _BESIDE, allowed.MAKE_FOLDER)


def _make_fifo(look: _Look, call: Call) -> None:
    look.makes(call, _FIRST if call.name == "mknod" else _BESIDE, allowed.MAKE_FIFO)


def _make_link(look: _Look, call: Call) -> None:
    look.makes(call, _SECOND if call.name == "symlink" else (1, 2), allowed.MAKE_LINK)


def _remove(look: _Look, call: Call) -> None:
    folder = call.name == "rmdir" or (
        call.name == "unlinkat" and call.arguments[2] & _AT_REMOVEDIR
    )
    right = allowed.REMOVE_FOLDER if folder else allowed.REMOVE_FILE
    look.removes(call, _BESIDE if call.name == "unlinkat" else _FIRST, right)


def _link(look: _Look, call: Call) -> None:
    if call.name == "link":
        old = look.entry(call, _FIRST)
        new = look.entry(call, _SECOND)
    else:
        follows = bool(call.arguments[4] & _AT_SYMLINK_FOLLOW)
        old = look.at(call, _BESIDE, follows=follows)
        new = look.entry(call, _IN_SECOND_FOLDER)
    look.moves(old, new, _making(old), removed=0)


def _rename(look: _Look, call: Call) -> None:
    alone = call.name == "rename"
    old = look.entry(call, _FIRST if alone else _BESIDE)
    new = look.entry(call, _SECOND if alone else _IN_SECOND_FOLDER)
    flags = call.arguments[4] if call.name == "renameat2" else 0
    if flags & _RENAME_WHITEOUT:
        raise OSError(errno.EACCES, "makes a device")
    look.moves(old, new, _making(old), _removing(old))
    if flags & _RENAME_EXCHANGE:
        look.moves(new, old, _making(new), _removing(new))


def _making(place: Place) -> int:
    """The right to make in a folder what is there."""
    kinds = {
        stat.S_IFDIR: allowed.MAKE_FOLDER,
        stat.S_IFREG: allowed.MAKE_FILE,
        stat.S_IFSOCK: allowed.MAKE_SOCKET,
        stat.S_IFIFO: allowed.MAKE_FIFO,
        stat.S_IFLNK: allowed.MAKE_LINK,
    }
    if place.path.endswith(_WITHOUT_NAME):
        return allowed.MAKE_FILE  # open(2) with O_TMPFILE
    return kinds.get(stat.S_IFMT(os.lstat(place.path).st_mode), allowed.MAKE_DEVICES)


def _removing(place: Place) -> int:
    folder = stat.S_ISDIR(os.lstat(place.path).st_mode)
    return allowed.REMOVE_FOLDER if folder else allowed.REMOVE_FILE


def _mark(look: _Look, call: Call) -> None:
    """Only of what is the program's own: chmod(2), chown(2), utime(2), setxattr(2)."""
    where = _BESIDE if call.name in _IN_FOLDER else _FIRST
    _see_that_it_is_own(look, look.at(call, where, follows=_follows(call)))


def _mark_opened(look: _Look, call: Call) -> None:
    _see_that_it_is_own(look, opened(look.thread, call.arguments[0]))


def _see_that_it_is_own(look: _Look, place: Place) -> None:
    if place.named and not look.kept.is_own_file(place.path):
        os.lstat(place.path)
        raise OSError(errno.EPERM, "not the program's own")


def _enter_folder(look: _Look, call: Call) -> None:
    look.may_be_entered(look.at(call, _FIRST, follows=True))


def _watch_file(look: _Look, call: Call) -> None:
    """Of what may be read: inotify(7) tells the names of what others use."""
    place = look.at(call, _SECOND, follows=_follows(call))
    folder = os.path.isdir(place.path)
    look.needs(place, allowed.READ_FOLDER if folder else allowed.READ_FILE)


_SEEN: dict[str, Callable[[_Look, Call], None]] = {
    **dict.fromkeys(OPENING, _open),
    **dict.fromkeys(("execve", "execveat"), _execute),
    **dict.fromkeys(("mkdir", "mkdirat"), _make_folder),
    **dict.fromkeys(("mknod", "mknodat"), _make_fifo),
    **dict.fromkeys(("symlink", "symlinkat"), _make_link),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), _remove),
    **dict.fromkeys(("link", "linkat"), _link),
    **dict.fromkeys(("rename", "renameat", "renameat2"), _rename),
    "truncate": _truncate,
    **dict.fromkeys((*_IN_FOLDER, *_BY_NAME), _mark),
    **dict.fromkeys((*_BY_DESCRIPTOR, "ioctl"), _mark_opened),
    "inotify_add_watch": _watch_file,
    "chdir": _enter_folder,
}


def refused(tracing: Tracing, thread: Thread, call: Call) -> bool:
    """Whether a call is not to use the files that it names: then it is answered."""
    try:
        _look(tracing, thread, call)
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else errno.ENOENT
        tracing.answer(thread, -(number or errno.EACCES))
        return True
    return False


def _look(tracing: Tracing, thread: Thread, call: Call) -> None:
    look = _Look(tracing.reach.files, thread, changes=_changes(call))
    check = _SEEN[call.name]
    check(look, call)
    # Who opens a FIFO waits for others in such a call: they stay there. It needs not be
    # made, nor cut short, so that what the call comes to is seen in time.
    waits = call.name in OPENING and _is_fifo(call.place)
    if tracing.still_others(openers=not waits):
        check(look, call)
        if waits and not _is_fifo(call.place):
            raise OSError(errno.EACCES, "it has been changed meanwhile")
    flags = open_flags(call) if waits else 0
    if flags & _MAKING and not flags & os.O_EXCL and call.name != "creat":
        index = 1 if call.name == "open" else 2
        tracing.change(thread, call, {index: flags & ~_MAKING})


def slipped(tracing: Tracing, thread: Thread, call: Call, fd: int) -> bool:
    """Whether a call has opened something else than was looked at, and not allowed.

    Then the program has ended.
    """
    try:
        link = os.readlink(f"/proc/{thread.tid}/fd/{fd}")
    except OSError:
        return False  # the thread was killed
    flags = open_flags(call)
    if link == call.place or flags & os.O_PATH:
        return False
    place = _still_named(link)
    return _end_for(tracing, thread, call, place, _to_open(flags, place))


def _still_named(link: str) -> Place:
    """What /proc says, also of what has lost its name since."""
    place = object_called(link)
    return place._replace(path=place.path.removesuffix(_WITHOUT_NAME))


def _end_for(
    tracing: Tracing, thread: Thread, call: Call, place: Place, right: int
) -> bool:
    """End the program if it has what it must not have; whether that was so."""
    if not place.named or not right & ~tracing.reach.files.rights(place.path):
        return False
    what = "of something else than what had been looked at"
    tracing.record(Refused, thread.pid, call=call.name, detail=what)
    tracing.end_all()
    return True


def _enter(tracing: Tracing, thread: Thread, call: Call) -> Then:
    return Then.ANSWERED if refused(tracing, thread, call) else Then.PASS


def _enter_chdir(tracing: Tracing, thread: Thread, call: Call) -> Then:
    return _enter(tracing, thread, call) if tracing.reach.keeps else Then.PASS


def _enter_execute(tracing: Tracing, thread: Thread, call: Call) -> Then:
    if tracing.reach.keeps:
        refused(tracing, thread, call)
    return Then.WATCH


def _leave_execute(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    """What the kernel has opened for it, which a script or a program names, is seen."""
    if result == 0 and tracing.reach.keeps:
        with suppress(OSError):  # it was killed
            for name in {name for _, _, name in mapped(thread.pid)}:
                place = _still_named(name)
                if _end_for(tracing, thread, call, place, allowed.EXECUTE):
                    break
    return After.SWITCH


def socket_refused(tracing: Tracing, thread: Thread, name: bytes, address: int) -> bool:
    """Whether a socket is not to get that name, which lies there; bind(2)."""
    try:
        tracing.still_others(openers=True)
        look = _Look(tracing.reach.files, thread, changes=True)
        place = look.called(name, address, None, follows=False)
        look.may_make(place, allowed.MAKE_SOCKET)
    except OSError as error:
        # In words of its own: bind(2) says so of a name that there is.
        number = errno.EADDRINUSE if error.errno == errno.EEXIST else error.errno
        tracing.answer(thread, -(number or errno.EACCES))
        return True
    return False


TABLE = {
    **dict.fromkeys((*_BY_DESCRIPTOR, *_IN_FOLDER, *_BY_NAME), Handler(_enter)),
    "inotify_add_watch": Handler(_enter),
    "chdir": Handler(_enter_chdir),
    "execve": Handler(_enter_execute, _leave_execute),
    "execveat": Handler(_enter_execute, _leave_execute),
}
