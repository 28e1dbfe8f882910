"""Making findings: the caller knows what happened, the texts why it is wrong."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import PurePath

from grader.diagnosis.texts import text
from grader.tracing.recording import Process, Recording, Started, Stream, Wrote
from grader.verdict import Finding


def found(
    diagnosis: str,
    message: str,
    run: Recording,
    line: int | None = None,
    *,
    cure: str = "",
) -> Finding:
    """A finding in one run: `message` says what happened there.

    `cure` is what to do about it, where the diagnosis's own text says something else.
    """
    known = text(diagnosis)
    return Finding(
        id=diagnosis,
        message=message,
        why=known.why,
        read=known.read,
        line=line,
        schedule=run.schedule,
        order=run.order,
        command=_command(run),
        cure=cure,
    )


def _command(run: Recording) -> str:
    """How the run's program was started, as one would type it."""
    words = [word for started in run.of(Started) for word in started.argv]
    if words:
        words[0] = PurePath(words[0]).name
    is_piped = any(event.target is Stream.OUTPUT for event in run.of(Wrote))
    return shlex.join(words) + (" | cat" if words and is_piped else "")


def name(run: Recording, process: Process | int | None) -> str:
    """How a process is called in messages: its part in the program, and its pid."""
    if isinstance(process, int):
        known = run.process(process)
        if known is None:
            return f"process {process}"
        process = known
    if process is None:
        return "the grader"
    return f"the {_part(run, process)} {process.pid}"


def _part(run: Recording, process: Process) -> str:
    if process is run.root:
        return "parent" if process.children else "program"
    if process.is_helper:
        return "helper"
    return "child" if process.parent is run.root else "grandchild"


# What a program in Python calls what it waits in; other calls have one name.
_SPOKEN = {
    "accept4": "accept",
    "clock_nanosleep": "time.sleep",
    "epoll_pwait": "epoll",
    "epoll_pwait2": "epoll",
    "epoll_wait": "epoll",
    "nanosleep": "time.sleep",
    "ppoll": "poll",
    "pselect6": "select",
    "readv": "read",
    "recvfrom": "recv",
    "recvmsg": "recv",
    "rt_sigsuspend": "sigsuspend",
    "rt_sigtimedwait": "sigwait",
    "sendmsg": "send",
    "sendto": "send",
    "wait4": "waitpid",
    "writev": "write",
}


def spoken(call: str) -> str:
    """A call in the words of a program."""
    return _SPOKEN.get(call, call)


_PLURALS = {"child": "children", "grandchild": "grandchildren"}


def names(run: Recording, processes: Iterable[Process]) -> str:
    """Several processes in a message."""
    several = list(processes)
    parts = {_part(run, process) for process in several}
    if len(several) > 1 and len(parts) == 1:
        pids = [str(process.pid) for process in several]
        return f"the {_PLURALS[parts.pop()]} {_listed(pids)}"
    return _listed([name(run, process) for process in several])


def _listed(words: list[str]) -> str:
    if len(words) > 4:
        words = [*words[:3], f"{len(words) - 3} more"]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
