"""Files by their names: open(2), stat(2), unlink(2) and their relatives."""

from __future__ import annotations

import errno
import os
import stat
import sys

from grader.tracing import syscalls
from grader.tracing.calls.handler import After, Handler, Then, Tracing, watch
from grader.tracing.calls.keeping import open_flags, refused, slipped
from grader.tracing.calls.transfers import interrupted
from grader.tracing.recording import FileNamed
from grader.tracing.resolving import name_at, opened
from grader.tracing.tracee import Call, Thread

_LOOKING = frozenset(syscalls.LOOKING)
_SECOND_TOO = frozenset(("rename", "renameat", "renameat2", "link", "linkat"))

# Where pseudo-terminals come from, pts(4). None is a program's own, `confinement`.
_MAKE_TERMINALS = frozenset(("/dev/ptmx", "/dev/pts/ptmx"))

# What an interpreter looks for, and none of a program's own files.
_INSTALLED = tuple({os.path.realpath(p) for p in (sys.base_prefix, "/usr", "/lib")})


def _enter(tracing: Tracing, thread: Thread, call: Call) -> Then:
    """What comes of it matters only to those who search for a timing."""
    kept_out = tracing.reach.keeps and refused(tracing, thread, call)
    if tracing.tells_names:
        return Then.WATCH  # it is told of a refusal as of any other failure
    return Then.ANSWERED if kept_out else Then.PASS


def _enter_mknod(tracing: Tracing, thread: Thread, call: Call) -> Then:
    """A FIFO can be made so; a file comes into being when it is opened."""
    mode = call.arguments[1 if call.name == "mknod" else 2] & 0xFFFFFFFF
    if stat.S_ISFIFO(mode):
        return _enter(tracing, thread, call)
    return tracing.refuse(thread, call, "of what is no FIFO")


def _enter_open(tracing: Tracing, thread: Thread, call: Call) -> Then:
    """What it makes outlives it where shared memory lies."""
    at = 1 if call.name == "openat" else 0
    folder = call.arguments[0] if at else None
    flags = open_flags(call)
    path = None
    if flags & (syscalls.MAKES_FILE | os.O_RDWR):
        path = path_of(thread, call.arguments[at], folder)
    if path in _MAKE_TERMINALS:
        # Landlock would refuse it as well, without a word.
        what = f"of {path}, for a terminal of its own, pty(7)"
        return tracing.refuse(thread, call, what, errno.EACCES)
    if tracing.reach.keeps and refused(tracing, thread, call):
        return Then.WATCH if tracing.tells_names else Then.ANSWERED
    makes = path if flags & syscalls.MAKES_FILE else None
    if makes is not None and not tracing.reach.shared.foresee(makes):
        return tracing.refuse(thread, call, "of what nobody would remove")
    return Then.WATCH


def _leave(tracing: Tracing, thread: Thread, call: Call, result: int) -> After:
    if result >= 0 and call.name in syscalls.OPENING:
        if tracing.reach.keeps and slipped(tracing, thread, call, result):
            return After.SWITCH
        if open_flags(call) & syscalls.MAKES_FILE:
            tracing.reach.shared.note(thread.owner.files.path(result))
    if not tracing.tells_names or interrupted(result):
        return After.GO_ON
    at_folder = call.name.endswith(("at", "at2")) or call.name == "statx"
    positions = [1 if at_folder else 0]
    if call.name in _SECOND_TOO:
        positions.append(3 if at_folder else 1)
    if call.name in ("symlink", "symlinkat"):
        positions = [2 if at_folder else 1]
    ours = False
    for position in positions:
        folder = call.arguments[position - 1] if at_folder else None
        path = path_of(thread, call.arguments[position], folder)
        if path is None or path.startswith((*_INSTALLED, *_about(thread))):
            continue
        ours = True
        tracing.record(
            FileNamed,
            thread.pid,
            call=call.name,
            path=path,
            changes=result >= 0 and _changes(call),
            error=-min(result, 0),
        )
    return After.SWITCH if ours else After.GO_ON


def _about(thread: Thread) -> tuple[str, str]:
    """What a process asks /proc of itself: from Python 3.12 on, at each fork."""
    return "/proc/self/", f"/proc/{thread.pid}/"


def _changes(call: Call) -> bool:
    if call.name in syscalls.OPENING:
        return bool(open_flags(call) & (os.O_CREAT | os.O_TRUNC))
    return call.name not in _LOOKING


def path_of(thread: Thread, address: int, folder_fd: int | None) -> str | None:
    """What a name stands for, from an open folder or the one that the process is in."""
    try:
        name = os.fsdecode(name_at(thread, address))
        folder = opened(thread, folder_fd).path
    except OSError:
        return None
    return os.path.normpath(os.path.join(folder, name))


TABLE = {
    **{name: Handler(_enter, _leave) for name in syscalls.NAMING},
    **{name: Handler(watch, _leave) for name in syscalls.LOOKING},
    **{name: Handler(_enter_open, _leave) for name in syscalls.OPENING},
    "mknod": Handler(_enter_mknod, _leave),
    "mknodat": Handler(_enter_mknod, _leave),
}
