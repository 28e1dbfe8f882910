"""What a step says: few words, for the lanes and arrows beside them say the rest.

What a submission wrote or is called is ASCII here, with everything else written out:
no character of it can act, and each takes one cell.
"""

from __future__ import annotations

import errno
import os
import re
from enum import StrEnum

from grader.report.timeline import waits
from grader.tracing.recording import (
    Closed,
    Continued,
    End,
    Ended,
    Ending,
    Event,
    Executed,
    FileNamed,
    Forked,
    GroupJoined,
    HandlerSet,
    Orphaned,
    PipeMade,
    Read,
    Refused,
    SignalDelivered,
    SignalSent,
    Slept,
    Started,
    Stopped,
    Stream,
    Target,
    ThreadStarted,
    WaitBegan,
    Waited,
    Waiting,
    Wrote,
    signal_name,
)

# What is done to files by their names, syscalls(2).
_FILE_CALLS = {
    "mkdir": "makes the folder",
    "unlink": "removes",
    "rmdir": "removes",
    "rename": "renames from or to",
    "link": "links from or to",
    "symlink": "links from",
    "truncate": "cuts",
}
_LOOKING = ("stat", "lstat", "newfstat", "statx", "access", "faccess", "readlink")

ERRORS = "prints as an error"
_COLOUR = re.compile(rb"\x1b\[[\d;]*m")

# Nobody reads more of it in a picture.
_LONGEST = 120


class Kind(StrEnum):
    """What sort of thing a step is."""

    START = "start"
    FORK = "fork"
    END = "end"
    WAIT = "wait"
    COLLECT = "collect"
    PIPE = "pipe"
    SIGNAL = "signal"
    HANDLE = "handle"
    FILE = "file"
    OTHER = "other"
    LAST = "last"


# What a legend says of the marks on lanes, and of a signal that is one pending.
MARKS = {
    Kind.WAIT: "begins to wait",
    Kind.FILE: "uses a shared file",
    Kind.HANDLE: "signal handler",
    Kind.END: "ends",
}
MERGED = "signal lost: one is pending"


def plain(text: str) -> str:
    """`text` in ASCII that prints, and not too much of it."""
    cut = text[:_LONGEST] + ("..." if len(text) > _LONGEST else "")
    return cut.encode("unicode_escape").decode()


def quoted(data: bytes, *, colours: bool = True) -> str:
    """What was read or written, as one would write it in a program.

    Without `colours`, which are all that Python's tracebacks begin with.
    """
    if not colours:
        data = _COLOUR.sub(b"", data)
    cut, more = data[:_LONGEST], "..." if len(data) > _LONGEST else ""
    try:
        inside = cut.decode().encode("unicode_escape").decode().replace('"', r"\"")
    except UnicodeDecodeError:
        text = cut.decode(errors="surrogateescape")
        inside = "".join(_escaped(character) for character in text)
    return f'"{inside}"{more}'


def _escaped(character: str) -> str:
    if character == '"':
        return r"\""
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def size(count: int) -> str:
    """A number of bytes."""
    return f"{count:,} B"


def seconds(duration: float) -> str:
    """A duration in seconds, as exact as one can read it."""
    return f"{duration:.3f}".rstrip("0").rstrip(".") + " s"


def left_out(steps: int, processes: int) -> str:
    """How much of a run is not in its picture."""
    text = f"{steps:,} step{'' if steps == 1 else 's'} left out"
    if processes:
        text += f", with {processes:,} process{'' if processes == 1 else 'es'}"
    return text


def target_name(target: Target, pipes: int) -> str:
    """What is read from or written to; `pipes` is how many the run has."""
    if isinstance(target, End):
        return "the pipe" if pipes == 1 else f"pipe {target.pipe}"
    if isinstance(target, Stream):
        return "the terminal" if target is Stream.TERMINAL else target.value
    return plain(target)


def prints(event: Wrote) -> str:
    """What a write is called that the user is to read; empty where it is not."""
    if event.target is Stream.ERROR or (
        event.target is Stream.TERMINAL and event.fd == 2
    ):
        return ERRORS
    return "prints" if event.target in (Stream.OUTPUT, Stream.TERMINAL) else ""


def names(event: FileNamed, file: str) -> str:
    """What is done to a file by its name; `file` is what the picture calls it."""
    call = event.call.rstrip("2").removesuffix("at")
    if call in _LOOKING or event.call in _LOOKING:
        verb = "looks for" if event.error else "looks at"
    elif call == "open":
        verb = "opens or makes" if event.changes else "opens"
    else:
        verb = _FILE_CALLS.get(call, f"calls {event.call} on")
    said = {0: "", errno.ENOENT: ": not there", errno.EEXIST: ": there already"}
    return f"{verb} {file}" + said.get(event.error, f": {_error(event.error)}")


def waiting(what: Waiting, pipes: int) -> str:
    """What a process waits for."""
    if what.ends and isinstance(what.ends[0], End):
        if what.call in ("read", "readv"):
            return f"to read from {target_name(what.ends[0], pipes)}"
        if what.call in ("write", "writev"):
            return f"to write to {target_name(what.ends[0], pipes)}"
    if what.call in ("nanosleep", "clock_nanosleep") and what.deadline is not None:
        return f"until {seconds(what.deadline)}"
    if what.call == "futex":
        return "for another thread"
    return plain(waits(what))


def describe(event: Event, pipes: int) -> tuple[Kind, str, str] | None:
    """What sort of step an event is, its words, and what of a submission's follows.

    None where it is nothing to look at.
    """
    match event:
        case Started():
            return Kind.START, "starts", _command(event.argv)
        case Forked():
            return Kind.FORK, f"forks {event.child}", ""
        case ThreadStarted():
            return Kind.OTHER, f"starts the thread {event.tid}", ""
        case Executed():
            return Kind.OTHER, "becomes", _command(event.argv)
        case Ending():
            return Kind.OTHER, "closes all, has not ended", ""
        case Ended() if event.signal:
            return Kind.END, f"killed by {signal_name(event.signal)}", ""
        case Ended():
            return Kind.END, f"ends, exit {event.exit_code}", ""
        case Orphaned():
            return Kind.OTHER, f"orphan: {event.parent} is gone", ""
        case Waited() if event.child:
            return Kind.COLLECT, f"collects {event.child}", ""
        case Waited() if event.left:
            return Kind.OTHER, f"looks at {event.left}, leaves it", ""
        case Waited(error=errno.ECHILD) if event.target > 0:
            return Kind.OTHER, f"asks: no child {event.target}", ""
        case Waited(error=errno.ECHILD):
            return Kind.OTHER, "asks: no child is left", ""
        case Waited() if event.error:
            return Kind.OTHER, f"cannot wait: {_error(event.error)}", ""
        case Waited() if event.no_hang:
            return Kind.OTHER, "asks: no child has ended yet", ""
        case WaitBegan():
            return Kind.WAIT, f"waits {waiting(event.waiting, pipes)}", ""
        case PipeMade():
            name = "a pipe" if pipes == 1 else f"pipe {event.pipe}"
            ends = f"({event.read_fd} read, {event.write_fd} write)"
            return Kind.PIPE, f"makes {name} {ends}", ""
        case Closed() if event.end and not event.error:
            name = "" if pipes == 1 else f" of pipe {event.end.pipe}"
            return Kind.PIPE, f"closes {event.end.side} end{name} ({event.fd})", ""
        # A file by its name: Python reads many before a program begins.
        case Read() if type(event.source) is str:
            return None
        case Wrote() if type(event.target) is str:
            return None
        case Read() if event.error:
            return Kind.OTHER, f"cannot read: {_error(event.error)}", ""
        case Wrote() if event.error:
            return Kind.OTHER, f"cannot write: {_error(event.error)}", ""
        case HandlerSet() if event.is_of_library:
            return None
        case HandlerSet() if event.disposition != "default":
            does = "handles" if event.disposition == "handler" else "ignores"
            return Kind.HANDLE, f"{does} {signal_name(event.signal)} from now on", ""
        case SignalSent():
            said = f"sends {signal_name(event.signal)} to {event.target}"
            return Kind.SIGNAL, said + (" (merged)" if event.merged else ""), ""
        case SignalDelivered() if event.action == "handler":
            return Kind.HANDLE, f"runs handler of {signal_name(event.signal)}", ""
        case SignalDelivered() if event.action == "ignore":
            if signal_name(event.signal) == "SIGCHLD":
                return None
            return Kind.HANDLE, f"ignores {signal_name(event.signal)}", ""
        case Stopped():
            return Kind.SIGNAL, f"stopped by {signal_name(event.signal)}", ""
        case Continued():
            return Kind.SIGNAL, "goes on", ""
        case Slept() if event.interrupted:
            return Kind.OTHER, "sleep cut short by a signal", ""
        case Refused():
            return Kind.OTHER, f"is refused {event.call}", ""
        case GroupJoined():
            return Kind.OTHER, f"puts {event.member} into group {event.group}", ""
    return None


def _command(argv: tuple[str, ...]) -> str:
    """A program and its arguments, without the folder that it lies in."""
    program, *arguments = argv or ("",)
    if program.startswith("/"):
        program = os.path.basename(program)
    return " ".join(plain(word) for word in (program, *arguments))


def _error(number: int) -> str:
    return errno.errorcode.get(number) or os.strerror(number)
