"""What is promised of submissions here: each layer of confinement, tried out.

A program that wants what it may not have runs as a submission would. What keeps it
from that is seen in what it says, and in what was recorded of it.
"""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NoReturn

from grader.tracing import ptrace
from grader.tracing.children import fork
from grader.tracing.confinement import SIGNALS_AND_NAMES, SINCE_SCOPES
from grader.tracing.program import run
from grader.tracing.recording import Refused

_ATTACKS = """\
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)

def mount():
    if libc.mount(b"none", b"/mnt", b"tmpfs", 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "mount")

def privileges():
    with open("/proc/self/status") as status:
        if all(int(line[7:], 16) == 0 for line in status if line[:6] == "CapEff"):
            raise OSError(0, "none")

attacks = {
    "mount": mount,
    "signal": lambda: os.kill(GRADER, 0),
    "network": socket.socket,
    "memory": lambda: open("/proc/GRADER/mem", "rb").close(),
    "read": lambda: open(OTHER).close(),
    "write": lambda: open(OTHER, "a").close(),
    "mark": lambda: os.chmod(OTHER, 0o600),
    "privileges": privileges,
}
for name, attack in attacks.items():
    try:
        attack()
    except OSError:
        print(name)
"""


class Kind(Enum):
    """Kinds of machine, by what they promise; docs/security.md has them all."""

    USER = "an ordinary user, with Landlock"
    ROOT = "root, with Landlock"
    USER_WITHOUT = "an ordinary user, without Landlock"
    ROOT_WITHOUT = "root, without Landlock"


_KEPT = (
    "A submission reads what is installed and its own folder, writes to that folder, "
    "and reaches no process, socket or machine but its own."
)
_ALONE = (
    f"{_KEPT} From files the tracer keeps it, in the kernel's place: a mistake of the "
    "tracer's would open every file that {whose}."
)
_PROMISED = {
    Kind.USER: _KEPT,
    Kind.ROOT: _KEPT,
    Kind.USER_WITHOUT: _ALONE.format(whose="you can use"),
    Kind.ROOT_WITHOUT: _ALONE.format(whose="belongs to root"),
}


@dataclass(frozen=True, slots=True)
class Layers:
    """Which layers of confinement held when they were tried.

    `files`: a program was kept to its own, and what is noted of others' stayed as it
    was. `landlock` is its version, 0 where it is not there. `scopes`: it also kept a
    process's signals, and its sockets without a folder, to itself.
    """

    filter: bool
    tracer: bool
    privileges: bool
    memory: bool
    files: bool
    scopes: bool
    landlock: int

    @property
    def kind(self) -> Kind:
        if os.geteuid() == 0:
            return Kind.ROOT if self.landlock else Kind.ROOT_WITHOUT
        return Kind.USER if self.landlock else Kind.USER_WITHOUT

    @property
    def promised(self) -> str:
        """What a submission can reach on such a machine."""
        return _PROMISED[self.kind]


def try_layers() -> Layers:
    """Run a program that wants what it may not have.

    Raises `TracingError` where it cannot be traced.
    """
    ptrace.hide_memory()  # as everything of a grader's is
    with tempfile.TemporaryDirectory(prefix="forklab-") as place:
        other = Path(place, "other")
        other.touch()
        program = Path(place, "program", "attacks.py")
        program.parent.mkdir()
        words = {"GRADER": str(os.getpid()), "OTHER": repr(str(other))}
        text = _ATTACKS
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        program.write_text(text)
        recording = run([str(program)], stdout="pipe", loopback=False)
    failed = set(recording.output.decode().split())
    refused = {event.call for event in recording.of(Refused)}
    version = ptrace.landlock_version()
    return Layers(
        filter="mount" in failed and "mount" in refused,
        tracer={"signal", "network"} <= failed and {"kill", "socket"} <= refused,
        privileges="privileges" in failed,
        memory="memory" in failed,
        files={"read", "write", "mark"} <= failed,
        scopes=_keeps_to_itself(version),
        landlock=version,
    )


def _keeps_to_itself(version: int) -> bool:
    """Whether Landlock keeps a process's signals and sockets to itself.

    Tried without a tracer, which would refuse both.
    """
    if version < SINCE_SCOPES:
        return False
    name = b"\0forklab-%d" % os.getpid()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        parent = os.getpid()
        child = fork()
        if child == 0:
            _try_scopes(parent, name)
        return os.waitpid(child, 0)[1] == 0


def _try_scopes(parent: int, name: bytes) -> NoReturn:
    """End with status 0 if neither can be reached."""
    reached = 1
    try:
        ptrace.give_up_privileges()
        ptrace.restrict_self(ptrace.create_ruleset(0, 0, SIGNALS_AND_NAMES))
        reached = 0
        with suppress(PermissionError):
            os.kill(parent, 0)
            reached = 1
        with suppress(PermissionError), socket.socket(socket.AF_UNIX) as client:
            client.connect(name)
            reached = 1
    finally:
        os._exit(reached)
