"""What a submission may reach, as rules for the kernel and for the tracer.

Three layers, each of use without the others. The filter, `syscalls`, keeps away what
would escape the tracer and what no exercise needs. The tracer looks into the arguments
of what is left, `calls.reach`: whom a call signals, and where a socket leads. Landlock,
landlock(7), does the same in the kernel, and keeps a program to its own files. Where
there is none the tracer does that as well, `calls.keeping`, by the same rules: `Kept`.

Landlock's rules open folders, with everything beneath them. So what is to stay closed
beneath an open folder takes a rule for each of its neighbours, see `forklab_closed`.

There are bindings for Landlock. None is used: whoever is confined here has no packages
beside it, and the making of a rule, which a run does some thirty times, takes twice as
long with them, and more, as with the three calls in `ptrace`.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grader.tracing import ptrace
from grader.tracing.shared import SHARED_MEMORY, Shared

TYPE_CHECKING = False  # typing itself is too large to import here
if TYPE_CHECKING:
    from grader.tracing.zygote import Domain, Rule

# <linux/landlock.h>; each right is known from some version of the interface on.
EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_FOLDER = 1 << 3
REMOVE_FOLDER = 1 << 4
REMOVE_FILE = 1 << 5
MAKE_FOLDER = 1 << 7
MAKE_FILE = 1 << 8
MAKE_SOCKET = 1 << 9
MAKE_FIFO = 1 << 10
MAKE_LINK = 1 << 12
MOVE = 1 << 13
TRUNCATE = 1 << 14
MAKE_DEVICES = 1 << 6 | 1 << 11
_CONTROL_DEVICE = 1 << 15
_SINCE_TRUNCATE = 3
_FIRST_RIGHTS = (1 << 13) - 1
_LATER_RIGHTS = {2: MOVE, _SINCE_TRUNCATE: TRUNCATE, 5: _CONTROL_DEVICE}
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | _CONTROL_DEVICE
_TCP = 1 << 0 | 1 << 1
_SINCE_TCP = 4
SIGNALS_AND_NAMES = 1 << 0 | 1 << 1
SINCE_SCOPES = 6

_READ = EXECUTE | READ_FILE | READ_FOLDER
_USE = READ_FILE | WRITE_FILE | TRUNCATE | _CONTROL_DEVICE
_OWN = _FIRST_RIGHTS & ~MAKE_DEVICES | MOVE | TRUNCATE

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
_IN_SHARED_MEMORY = READ_FILE | WRITE_FILE | TRUNCATE | MAKE_FILE | REMOVE_FILE


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
    return (
        files,
        _TCP if version >= _SINCE_TCP and not loopback else 0,
        SIGNALS_AND_NAMES if version >= SINCE_SCOPES else 0,
        [(name, way & files) for name, way in _own_rules(folder, program, terminal)],
    )


def tracer_keeps_files() -> bool:
    """Whether the tracer has to keep a program to its files.

    Where there is no Landlock, or one that does not know truncate(2).
    """
    return ptrace.landlock_version() < _SINCE_TRUNCATE


def _own_rules(folder: str, program: str, terminal: str | None) -> list[Rule]:
    rules = [(folder, _OWN), (os.path.dirname(program), _READ)]
    if terminal is not None:
        rules.append((terminal, _USE))
    return rules


def _known_rights(version: int) -> int:
    return _FIRST_RIGHTS | sum(
        right for since, right in _LATER_RIGHTS.items() if version >= since
    )


@functools.cache
def common_rules() -> list[Rule]:
    """What every program may use, as far as this machine's Landlock knows of it."""
    known = _known_rights(ptrace.landlock_version())
    return [_fitting(name, way & known) for name, way in _open_to_all()]


def _open_to_all() -> list[Rule]:
    """The system's files, the interpreter, devices."""
    rules = [(name, _READ) for name in (*_installed(), *_SETTINGS, *_KERNEL)]
    rules += [(sys.executable, _READ), (str(Path(sys.prefix, "pyvenv.cfg")), _READ)]
    rules += [(name, _READ | _CONTROL_DEVICE) for name in _SOURCES]
    rules += [(name, _USE) for name in _DEVICES]
    rules.append((SHARED_MEMORY, _IN_SHARED_MEMORY))
    return [(name, way) for name, way in rules if os.path.exists(name)]


def forklab_closed(forklab: Path = _FORKLAB) -> Domain | None:
    """What keeps every program from the folder that forklab, with its checks, lies in.

    None where no common rule opens it. It is a domain of its own, and the zygote's too:
    where it is among the interpreter's modules, it takes hundreds of rules.
    """
    if not _is_open(forklab):
        return None
    version = ptrace.landlock_version()
    if not version:
        return None
    # Unless they are allowed, moves between folders are refused by every domain.
    rights = (READ_FILE | EXECUTE | MOVE) & _known_rights(version)
    return rights, 0, 0, [_fitting(name, rights) for name in _all_but("/", forklab)]


@functools.cache
def _is_open(forklab: Path) -> bool:
    """Whether the folder that forklab lies in is among those that all may read."""
    return any(forklab.is_relative_to(folder) for folder in _installed())


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


# What the kernel shows to every user of a process, proc(5), and not only to those who
# may trace it. Landlock asks for the same.
_SHOWN_OF_OTHERS = re.compile(
    r"/proc/\d+(/task(/\d+)?)?(/(stat|statm|status|cmdline|comm|cgroup|limits|sched"
    r"|schedstat|oom_score|oom_score_adj|oom_adj|cpuset|wchan|loginuid|sessionid))?"
)
# Where no program's folder ever is, and systems have links: /dev/stdout, /var/run.
_WITH_LINKS = ("/", "/dev", "/etc", "/usr", "/usr/local", "/var")
_PROCESS = re.compile(r"/proc/(\d+)(/task/(\d+))?(/|$)")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a program may do to which files, by their names without any link in them.

    `named` is its own folder, as it is told of it, and `folder` what that really is.
    `is_own` tells of a number whether it is a process, or a thread, of the program.
    """

    named: str
    folder: str
    is_own: Callable[[int], bool]
    _rules: Mapping[str, int]
    _closed: str | None

    @classmethod
    def to(
        cls,
        folder: str,
        program: str,
        terminal: str | None,
        is_own: Callable[[int], bool],
    ) -> Kept:
        """What Landlock would keep it to; see `domain`, and `is_own` below."""
        rules = dict(_real_rules())
        for name, way in _own_rules(folder, program, terminal):
            real = os.path.realpath(name)
            rules[real] = rules.get(real, 0) | way
        closed = str(_FORKLAB) if _is_open(_FORKLAB) else None
        return cls(folder, os.path.realpath(folder), is_own, rules, closed)

    def rights(self, path: str) -> int:
        """What may be done to a file, or to a folder and to what is beneath it."""
        if self.is_closed(path):
            return 0
        rights, withheld, place = 0, 0, path
        while True:
            rights |= self._rules.get(place, 0)
            if place == self._closed:
                withheld = READ_FILE | EXECUTE | MOVE
            above = os.path.dirname(place)
            if above == place:
                return rights & ~withheld
            place = above

    def is_closed(self, path: str) -> bool:
        """Whether it is what /proc shows of others to nobody but who may trace them."""
        process = _PROCESS.match(path)
        if process is None:
            return False
        pids = (int(pid) for pid in process.group(1, 3) if pid)
        return not all(map(self.is_own, pids)) and not _SHOWN_OF_OTHERS.fullmatch(path)

    def is_own_file(self, path: str) -> bool:
        """Whether it is the program's own folder, or in it, or in shared memory.

        Of that, the program may also change what Landlock knows nothing of: who may use
        it, and when it was used.
        """
        places = self.folder, _shared_memory()
        return path == self.folder or any(path.startswith(f"{at}/") for at in places)

    def is_fixed(self, link: str) -> bool:
        """Whether no other program can change a link.

        It is the program's own, or installed, or the system's, or on the way to where
        all programs are.
        """
        homes = self.named, SHARED_MEMORY
        on_the_way = any(f"{home}/".startswith(f"{link}/") for home in homes)
        by_the_system = os.path.dirname(link) in _WITH_LINKS
        return on_the_way or by_the_system or self.rights(link) != 0


@functools.cache
def _shared_memory() -> str:
    return os.path.realpath(SHARED_MEMORY)


@functools.cache
def _real_rules() -> dict[str, int]:
    rules: dict[str, int] = {}
    for name, way in _open_to_all():
        real = os.path.realpath(name)
        rules[real] = rules.get(real, 0) | way
    return rules


@dataclass(slots=True)
class Reach:
    """What the tracer lets one program use and speak to.

    `folder` is the program's own, `program` the file that it begins with, `terminal`
    the name of its terminal. `keeps`: the tracer keeps it to its files, for there is
    nobody else who does. `is_own` knows its processes, by their number. `bound` are the
    sockets that it has given an address, as /proc names them; `names` the addresses of
    those that are in no folder, unix(7). `shared` is what it made where shared memory
    lies.
    """

    folder: str = os.devnull
    loopback: bool = True
    program: str = os.devnull
    terminal: str | None = None
    keeps: bool = False
    is_own: Callable[[int], bool] = lambda _: False
    bound: set[str] = field(default_factory=set)
    names: set[bytes] = field(default_factory=set)
    shared: Shared = field(default_factory=Shared)
    _kept: Kept | None = None

    @property
    def files(self) -> Kept:
        """What it may do to which files; made when it is first asked for."""
        if self._kept is None:
            self._kept = Kept.to(self.folder, self.program, self.terminal, self.is_own)
        return self._kept
