"""What a submission may reach, as rules for the kernel and for the tracer.

Three layers, each of use without the others. The filter, `syscalls`, keeps away what
would escape the tracer and what no exercise needs. The tracer looks into the arguments
of what is left, `calls.reach`: whom a call signals, and where a socket leads. Landlock,
landlock(7), does the same in the kernel, and alone keeps a program to its own files.

Landlock's rules open folders, with everything beneath them. So what is to stay closed
beneath an open folder takes a rule for each of its neighbours, see `forklab_closed`.

There are bindings for Landlock. None is used: whoever is confined here has no packages
beside it, and the making of a rule, which a run does some thirty times, takes twice as
long with them, and more, as with the three calls in `ptrace`.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grader.tracing import ptrace
from grader.tracing.shared import SHARED_MEMORY, Shared

TYPE_CHECKING = False  # typing itself is too large to import here
if TYPE_CHECKING:
    from grader.tracing.zygote import Domain, Rule

# <linux/landlock.h>; each right is known from some version of the interface on.
_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_FOLDER = 1 << 3
_REMOVE_FILE = 1 << 5
_MAKE_DEVICES = 1 << 6 | 1 << 11
_MAKE_FILE = 1 << 8
_MOVE = 1 << 13
_TRUNCATE = 1 << 14
_CONTROL_DEVICE = 1 << 15
_FIRST_RIGHTS = (1 << 13) - 1
_LATER_RIGHTS = {2: _MOVE, 3: _TRUNCATE, 5: _CONTROL_DEVICE}
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _CONTROL_DEVICE
_TCP = 1 << 0 | 1 << 1
_SINCE_TCP = 4
SIGNALS_AND_NAMES = 1 << 0 | 1 << 1
SINCE_SCOPES = 6

_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
_USE = _READ_FILE | _WRITE_FILE | _TRUNCATE | _CONTROL_DEVICE
_OWN = _FIRST_RIGHTS & ~_MAKE_DEVICES | _MOVE | _TRUNCATE

# What programs and libraries read, wherever they come from. /usr itself is not among
# it: people keep a course in /usr/src.
_INSTALLED = (
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"),
    *(
        f"/usr/{part}"
        for part in ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec")
    ),
    *(f"/usr/local/{part}" for part in ("bin", "sbin", "lib", "lib64", "share")),
    "/usr/share",
)
_SETTINGS = tuple(
    f"/etc/{name}"
    for name in (
        *("ld.so.cache", "ld.so.preload", "localtime", "locale.alias", "mime.types"),
        *("passwd", "group", "nsswitch.conf", "hosts", "host.conf", "gai.conf"),
        *("resolv.conf", "protocols", "services", "os-release", "terminfo"),
        *("ssl/openssl.cnf", "ssl/certs", "pki/tls/openssl.cnf", "crypto-policies"),
        *("profile", "bash.bashrc", "inputrc", "perl"),
    )
)
# Of a process of others the kernel shows in /proc what it shows to every user.
_KERNEL = ("/proc", "/sys/devices/system/cpu")
_SOURCES = ("/dev/random", "/dev/urandom")
_FORKLAB = Path(__file__).resolve().parents[2]

# Not the terminals in /dev/pts: those of whoever grades are among them. So there are no
# pseudo-terminals of a program's own, pty(7).
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")
# Of shared memory: names there are hard to guess, and cannot be listed.
_IN_SHARED_MEMORY = _READ_FILE | _WRITE_FILE | _TRUNCATE | _MAKE_FILE | _REMOVE_FILE


def domain(
    folder: str, program: str, terminal: str | None, *, loopback: bool
) -> Domain | None:
    """What Landlock is to keep a program to; None where there is none.

    `folder` is the program's own, `program` the file that it begins with, `terminal`
    the name of its terminal. `loopback`: it may speak TCP, where the tracer lets it.
    """
    version = ptrace.landlock_version()
    if not version:
        return None
    files = _known_rights(version)
    rules = [(folder, _OWN & files), (os.path.dirname(program), _READ)]
    if terminal is not None:
        rules.append((terminal, _USE & files))
    return (
        files,
        _TCP if version >= _SINCE_TCP and not loopback else 0,
        SIGNALS_AND_NAMES if version >= SINCE_SCOPES else 0,
        rules,
    )


def _known_rights(version: int) -> int:
    return _FIRST_RIGHTS | sum(
        right for since, right in _LATER_RIGHTS.items() if version >= since
    )


@functools.cache
def common_rules() -> list[Rule]:
    """What every program may use: the system's files, the interpreter, devices."""
    rules = [(name, _READ) for name in (*_installed(), *_SETTINGS, *_KERNEL)]
    rules += [(sys.executable, _READ), (str(Path(sys.prefix, "pyvenv.cfg")), _READ)]
    rules += [(name, _READ | _CONTROL_DEVICE) for name in _SOURCES]
    rules += [(name, _USE) for name in _DEVICES]
    rules.append((SHARED_MEMORY, _IN_SHARED_MEMORY))
    known = _known_rights(ptrace.landlock_version())
    return [_fitting(name, way & known) for name, way in rules if os.path.exists(name)]


def forklab_closed(forklab: Path = _FORKLAB) -> Domain | None:
    """What keeps every program from the folder that forklab, with its checks, lies in.

    None where no common rule opens it. It is a domain of its own, and the zygote's too:
    where it is among the interpreter's modules, it takes hundreds of rules.
    """
    if not any(forklab.is_relative_to(folder) for folder in _installed()):
        return None
    version = ptrace.landlock_version()
    if not version:
        return None
    # Unless they are allowed, moves between folders are refused by every domain.
    rights = (_READ_FILE | _EXECUTE | _MOVE) & _known_rights(version)
    return rights, 0, 0, [_fitting(name, rights) for name in _all_but("/", forklab)]


def _installed() -> list[str]:
    """The folders of which nothing is secret, but for forklab's own."""
    return _outermost(map(os.path.realpath, (*_INSTALLED, *_interpreter())))


def _interpreter() -> Iterator[str]:
    """The folders that this Python is installed in."""
    yield os.path.dirname(os.path.realpath(sys.executable))
    yield os.path.dirname(os.path.realpath(os.__file__))
    yield from (path for path in sys.path if path.endswith("/lib-dynload"))
    # Its shared library; sysconfig would know, and takes longer to ask than a run.
    yield from (os.path.join(sys.base_prefix, lib) for lib in ("lib", sys.platlibdir))


def _outermost(folders: Iterable[str]) -> list[str]:
    """Those that lie in no other."""
    kept: list[str] = []
    for folder in sorted({*filter(os.path.isdir, folders)}):
        if not any(folder.startswith(f"{other}/") for other in kept):
            kept.append(folder)
    return kept


def _all_but(folder: str, hidden: Path) -> Iterator[str]:
    """The files and folders that make up a folder, except for one folder in it."""
    for entry in os.scandir(folder):
        if entry.is_symlink() or entry.path == str(hidden):
            continue
        if hidden.is_relative_to(entry.path):
            yield from _all_but(entry.path, hidden)
        else:
            yield entry.path


def _fitting(name: str, rights: int) -> Rule:
    """A rule on a file may have no rights that only folders have."""
    return name, rights if os.path.isdir(name) else rights & _OF_FILES


@dataclass(slots=True)
class Reach:
    """What the tracer lets one program speak to.

    `folder` is the program's own; `bound` are the sockets that it has given an address,
    as /proc names them; `names` the addresses of those that are in no folder, unix(7).
    `shared` is what it made where shared memory lies.
    """

    folder: str = os.devnull
    loopback: bool = True
    bound: set[str] = field(default_factory=set)
    names: set[bytes] = field(default_factory=set)
    shared: Shared = field(default_factory=Shared)

    def has_file(self, where: str, path: str) -> bool:
        """Whether a file, named from the folder `where`, is in the program's own."""
        own = os.path.realpath(self.folder)
        found = os.path.realpath(os.path.join(os.path.realpath(where), path))
        return os.path.commonpath((own, found)) == own
