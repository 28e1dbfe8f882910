"""Where the name of a file leads, as the kernel would find it: path_resolution(7).

For a thread that is stopped, from its own folders, and with its own /proc/self. What
comes out is a name without a link in it, so it can be held against rules for folders.
"""

from __future__ import annotations

import errno
import functools
import os
import re
from typing import NamedTuple

from grader.tracing.confinement import Kept
from grader.tracing.tracee import Thread

_LONGEST = 4096  # bytes of a name, with the zero at its end
_PAGE = 4096
_MOST_LINKS = 40
# No link, or nothing, or nothing that the program could reach either.
_NO_LINK = (errno.EINVAL, errno.ENOENT, errno.ENOTDIR, errno.EACCES)
AT_FDCWD = 0xFFFFFF9C  # -100: the folder that the thread is in, openat(2)

# Links that lead to an object rather than to a name, proc(5).
_TO_OBJECT = re.compile(
    r"/proc/(\d+)(?:/task/\d+)?/(?:cwd|root|exe|fd/\d+|map_files/[^/]+|ns/[^/]+)"
)


# "pipe:[4711]"; but "(unreachable)/x" lies in a folder that is nowhere here.
_NAMELESS = re.compile(r"[a-z_]+:")


class Place(NamedTuple):
    """Where a name leads. `path` has no link in it, whether there is a file or not.

    `named` is false of what has no name, such as a pipe: `path` then is what /proc
    calls it. `certain`: on the way was no link that another program could change.
    `link` is the link in /proc that it was found by, if by one: it leads there without
    a name as well.
    """

    path: str
    named: bool = True
    certain: bool = True
    link: str | None = None

    @property
    def file(self) -> str:
        """What opens it, whether it has a name or not."""
        return self.link or self.path


def name_at(thread: Thread, address: int) -> bytes:
    """The name in its memory there. Raises ``OSError`` where the kernel would."""
    name = b""
    # It may end just before a page that is not there.
    while b"\0" not in name:
        if len(name) >= _LONGEST:
            raise OSError(errno.ENAMETOOLONG, "a name without an end")
        size = _PAGE - (address + len(name)) % _PAGE
        more = thread.owner.read(address + len(name), size)
        if not more:
            raise OSError(errno.EFAULT, "a name that is not there")
        name += more
    name = name.partition(b"\0")[0]
    if len(name) >= _LONGEST:
        raise OSError(errno.ENAMETOOLONG, "a name that is too long")
    return name


def opened(thread: Thread, fd: int | None) -> Place:
    """What a descriptor is open on; None and AT_FDCWD stand for the current folder.

    Threads can have tables, and current folders, of their own. Raises ``OSError`` where
    it is closed.
    """
    at_cwd = fd is None or fd & 0xFFFFFFFF == AT_FDCWD
    which = "cwd" if at_cwd else f"fd/{(fd or 0) & 0xFFFFFFFF}"
    return _led_to(f"/proc/{thread.tid}/{which}")


def _led_to(link: str) -> Place:
    """What a link says, and what it leads to if it is one to an object."""
    return object_called(os.readlink(link))._replace(link=link)


def object_called(link: str) -> Place:
    """What a link in /proc leads to that calls it so, proc_pid_fd(5)."""
    hidden = link.startswith("/memfd:") and link.endswith(" (deleted)")
    return Place(link, named=not hidden and not _NAMELESS.match(link))


def place_of(
    thread: Thread, fd: int | None, name: bytes, kept: Kept, *, follows: bool
) -> Place:
    """Where a name leads from an open folder, or from the current one.

    `follows`: also where it is the name of a link itself, and no slash behind it asks
    for what it leads to. Raises ``OSError`` where the
    kernel would for want of a way.
    """
    at = Place("/") if name.startswith(b"/") else opened(thread, fd)
    certain = True
    parts = os.fsdecode(name).split("/")[::-1]
    links = 0
    while parts:
        part = parts.pop()
        if not at.named or f"{at.path}/".startswith(_elsewhere_shown()):
            raise OSError(errno.EACCES, "beneath what is no folder of the machine's")
        if part in ("", "."):
            continue
        if part == "..":
            at = Place(os.path.dirname(at.path))
            continue
        here = f"{at.path.rstrip('/')}/{part}"
        own = _itself(thread, here)
        if own is not None:
            at = Place(own)
            continue
        at = Place(here)
        if not follows and not parts:
            break
        to_object = _TO_OBJECT.fullmatch(here)
        if to_object and not kept.is_own(int(to_object.group(1))):
            continue  # closed to the program, whatever it leads to
        try:
            led = _led_to(here)
        except OSError as error:
            if error.errno in _NO_LINK:
                continue
            raise  # a place that is too deep for a name, say: who knows what is there
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, "links without an end")
        if to_object:
            at = led
            continue
        certain = certain and kept.is_fixed(here)
        parts += led.path.split("/")[::-1]
        at = Place("/" if led.path.startswith("/") else os.path.dirname(here))
    return at._replace(certain=certain)


def _itself(thread: Thread, path: str) -> str | None:
    """What the links are to a thread that everybody finds to lead to itself."""
    if path == "/proc/self":
        return f"/proc/{thread.pid}"
    if path == "/proc/thread-self":
        return f"/proc/{thread.pid}/task/{thread.tid}"
    return None


@functools.cache
def _elsewhere_shown() -> tuple[str, ...]:
    """Folders other than /proc that show processes: there the links are others'."""
    found = []
    with open("/proc/self/mountinfo", "rb") as mounts:
        for line in mounts:
            mount, _, source = line.partition(b" - ")
            name = mount.split()[4].decode("unicode_escape").encode("latin-1")
            place = f"{os.fsdecode(name)}/"
            if source.startswith(b"proc ") and not place.startswith("/proc/"):
                found.append(place)
    return tuple(found)
