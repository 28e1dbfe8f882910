"""Calls that reach beyond the program: refused, or kept within it.

The program is stopped while its arguments are looked at, and so are its other threads,
except for one that wakes at that moment in a call that the tracer could not foresee the
end of. It may change an address in memory, and win that race.
"""

from __future__ import annotations

import errno
import os
import struct
from contextlib import suppress
from itertools import islice

from grader.tracing import syscalls
from grader.tracing.calls.ballast import unload_all
from grader.tracing.calls.handler import After, Handler, Then, Tracing
from grader.tracing.calls.keeping import refused, socket_refused
from grader.tracing.resolving import place_of
from grader.tracing.tracee import Call, Thread

_AF_UNSPEC, _AF_UNIX, _AF_INET, _AF_NETLINK, _AF_INET6 = 0, 1, 2, 16, 10
_NETLINK_ROUTE = 0  # of others some pass on what one program says to another
_LONGEST_ADDRESS = 128  # struct sockaddr_storage
_ADDRESS_AT = {_AF_UNSPEC: 4, _AF_INET: 4, _AF_INET6: 8}
_ALL_ADDRESSES = {_AF_UNSPEC: bytes(4), _AF_INET: bytes(4), _AF_INET6: bytes(16)}
_LOOPBACK = {
    _AF_UNSPEC: b"\x7f\0\0\x01",
    _AF_INET: b"\x7f\0\0\x01",
    _AF_INET6: bytes(15) + b"\x01",
}
_LISTENS = b"0A"  # TCP_LISTEN
_MAPPED = bytes(10) + b"\xff\xff\x7f"  # 127.0.0.0/8 as IPv6 writes it

_OF_PROCESS, _OF_GROUP, _OF_USER = 0, 1, 2  # setpriority(2); ioprio_set(2): one more

# Programs have another way where a kernel has no such call; EPERM, which other
# refusals give, says that the call is there.
_MAY_BE_MISSING = frozenset(
    (
        *("timer_create", "timerfd_create", "openat2", "sendmmsg", "memfd_secret"),
        *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
        *("shmget", "shmat", "shmctl", "semget", "semop", "semctl", "semtimedop"),
        *("msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink"),
    )
)


def _forbid(tracing: Tracing, thread: Thread, call: Call) -> Then:
    error = errno.ENOSYS if call.name in _MAY_BE_MISSING else errno.EPERM
    return tracing.refuse(thread, call, call.name, error)


# --- processes of others ------------------------------------------------------


def _signed(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _enter_of_process(tracing: Tracing, thread: Thread, call: Call) -> Then:
    """How a process is run, sched_setaffinity(2): only of the program's own ones."""
    target = _signed(call.arguments[0])
    known = any(target in (other.tid, other.pid) for other in tracing.threads())
    if target == 0 or known or not os.path.exists(f"/proc/{target}"):
        return Then.PASS
    return tracing.refuse(
        thread, call, f"of process {target}, which is not the program's"
    )


def _enter_priority(tracing: Tracing, thread: Thread, call: Call) -> Then:
    """Only of the program's own ones, setpriority(2), ioprio_set(2)."""
    which, target = (_signed(value) for value in call.arguments[:2])
    which -= call.name == "ioprio_set"
    if target == 0 and which != _OF_USER:
        return Then.PASS
    if which == _OF_PROCESS and tracing.in_tree(target):
        return Then.PASS
    if which == _OF_GROUP and is_our_group(tracing, target):
        return Then.PASS
    return tracing.refuse(thread, call, "of processes that are not the program's")


def is_our_group(tracing: Tracing, group: int) -> bool:
    """Whether a process group has none but processes of the program in it.

    So it is with a number that no group can have: the call says so itself.
    """
    if not 0 < group < 1 << 31:
        return True
    if tracing.in_tree(group):
        return True
    # None of its processes can join a group of others, see setpgid(2).
    if any(group_of(owner.pid) == group for owner in tracing.live()):
        return True
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, OverflowError):
        return True  # nobody is there: the call says so itself
    except PermissionError:
        pass
    return False


def group_of(pid: int) -> int:
    """The process group of a process; 0 where it is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _enter_ioctl(tracing: Tracing, thread: Thread, call: Call) -> Then:
    request = call.arguments[1] & 0xFFFFFFFF
    if request == syscalls.FIONREAD:
        unload_all(tracing, thread.owner.files)
        return Then.PASS
    if request in syscalls.MARKS_FILE:
        return Then.ANSWERED if refused(tracing, thread, call) else Then.PASS
    if request != syscalls.TIOCSPGRP:
        return tracing.refuse(
            thread,
            call,
            f"with {request:#x}, by which others get signals or input, or lose files",
        )
    data = thread.owner.read(call.arguments[2], 4)
    if len(data) < 4:
        return Then.PASS  # the call says so itself
    (group,) = struct.unpack("=i", data)
    if is_our_group(tracing, group):
        return Then.PASS
    return tracing.refuse(
        thread, call, f"that gives the terminal to {group}, which is not the program's"
    )


# --- sockets ------------------------------------------------------------------


def _enter_socket(tracing: Tracing, thread: Thread, call: Call) -> Then:
    family, _, protocol = (value & 0xFFFFFFFF for value in call.arguments[:3])
    if family == _AF_NETLINK and protocol == _NETLINK_ROUTE:
        return Then.PASS  # by which libc lists the addresses of this machine
    if family not in (_AF_INET, _AF_INET6):
        return tracing.refuse(
            thread, call, f"of the family {family}", errno.EAFNOSUPPORT
        )
    if tracing.reach.loopback:
        return Then.PASS
    return tracing.refuse(
        thread, call, "of a network, which this exercise does not need", errno.EACCES
    )


def _enter_bind(tracing: Tracing, thread: Thread, call: Call) -> Then:
    """A server for all addresses serves this machine's own programs alone."""
    pointer, length = call.arguments[1], call.arguments[2] & 0xFFFFFFFF
    address = thread.owner.read(pointer, min(length, _LONGEST_ADDRESS))
    family = _family(address)
    tracing.reach.bound.add(_opened(thread, call))
    if family == _AF_UNIX:
        name = address[2:]
        if name[:1] == b"\0":
            tracing.reach.names.add(name)
        elif name and tracing.reach.keeps:
            path = name.partition(b"\0")[0]
            if socket_refused(tracing, thread, path, pointer + 2):
                return Then.ANSWERED
        return Then.PASS
    if family not in _ADDRESS_AT or _is_loopback(family, address):
        return Then.PASS
    start = _ADDRESS_AT[family]
    if _is_for_all(family, address):
        ours = _LOOPBACK[family]
        tracing.borrow(thread, call, pointer + start, ours)
        if thread.owner.read(pointer + start, len(ours)) == ours:
            return Then.WATCH
    return tracing.refuse(thread, call, "to an address that others can reach")


def _enter_listen(tracing: Tracing, thread: Thread, call: Call) -> Then:
    """A socket that was not bound would get a port of all addresses, listen(2)."""
    if _opened(thread, call) in tracing.reach.bound:
        return Then.PASS
    return tracing.refuse(thread, call, "for all addresses: bind it first")


def _opened(thread: Thread, call: Call) -> str:
    """What a call's first argument is open on, proc(5)."""
    try:
        return os.readlink(thread.owner.files.path(call.arguments[0]))
    except OSError:
        return ""  # nothing: the call says so itself


def address_refused(
    tracing: Tracing, thread: Thread, call: Call, pointer: int, length: int
) -> bool:
    """Whether a socket is not to speak to an address: then the call is refused."""
    if not pointer:
        return False
    address = thread.owner.read(pointer, min(length, _LONGEST_ADDRESS))
    family = _family(address)
    if family == _AF_UNIX:
        if _is_own_socket(tracing, thread, address[2:]):
            return False
        # Without a word, as for a file: libc asks whether certain daemons are there.
        tracing.answer(thread, -errno.EACCES)
        return True
    if family not in _ADDRESS_AT:
        return False
    if family == _AF_UNSPEC and call.name == "connect":
        return False  # which ends a connection, connect(2)
    tracing.reach.bound.add(_opened(thread, call))  # what speaks gets an address
    # To speak to all addresses is to speak to this machine, ip(7).
    if _is_loopback(family, address) or _is_for_all(family, address):
        if not _is_port_of_others(tracing, address):
            return False
        tracing.refuse(thread, call, "to a port of another program", errno.EACCES)
    else:
        tracing.refuse(thread, call, "to another machine")
    return True


def _is_port_of_others(tracing: Tracing, address: bytes) -> bool:
    """Whether another program on this machine hears what is sent to a port."""
    port = b":%04X" % int.from_bytes(address[2:4], "big")
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        with suppress(OSError), open(f"/proc/net/{protocol}", "rb") as table:
            # proc_net(5): the local address, the state and the inode of each socket.
            for line in islice(table, 1, None):
                words = line.split()
                hears = words[3] == _LISTENS or protocol.startswith("udp")
                name = f"socket:[{words[9].decode()}]"
                ours = name in tracing.reach.bound
                if words[1].endswith(port) and hears and not ours:
                    return True
    return False


def message_refused(tracing: Tracing, thread: Thread, call: Call) -> bool:
    """Whether what sendto(2) or sendmsg(2) sends is not to go where it says."""
    if call.name == "sendto":
        pointer, length = call.arguments[4:6]
    elif call.name == "sendmsg":
        # struct msghdr begins with the address and its length.
        header = thread.owner.read(call.arguments[1], 12)
        if len(header) < 12:
            return False  # the call says so itself
        pointer, length = struct.unpack("=QI", header)
    else:
        return False
    return address_refused(tracing, thread, call, pointer, length & 0xFFFFFFFF)


def _family(address: bytes) -> int | None:
    return struct.unpack_from("=H", address)[0] if len(address) >= 2 else None


def _host(family: int, address: bytes) -> bytes:
    start, size = _ADDRESS_AT[family], len(_ALL_ADDRESSES[family])
    return address[start : start + size]


def _is_loopback(family: int, address: bytes) -> bool:
    """Also where the host is cut short: the call then fails by itself."""
    host = _host(family, address)
    if len(host) < len(_ALL_ADDRESSES[family]):
        return True
    if family == _AF_INET6:
        return host == _LOOPBACK[family] or host.startswith(_MAPPED)
    return host[0] == 127


def _is_for_all(family: int, address: bytes) -> bool:
    return _host(family, address) == _ALL_ADDRESSES[family]


def _is_own_socket(tracing: Tracing, thread: Thread, name: bytes) -> bool:
    if name[:1] == b"\0":
        return name in tracing.reach.names
    path, kept = name.partition(b"\0")[0], tracing.reach.files
    try:
        place = place_of(thread, None, path, kept, follows=True)
    except OSError:
        return False
    return f"{place.path}/".startswith(f"{kept.folder}/")


TABLE = {
    **{name: Handler(_forbid) for name in (*syscalls.FORBIDDEN, "clone", "prctl")},
    **{
        name: Handler(_enter_of_process)
        for name in (
            *("sched_setaffinity", "sched_setscheduler", "sched_setparam"),
            "sched_setattr",
        )
    },
    "setpriority": Handler(_enter_priority),
    "ioprio_set": Handler(_enter_priority),
    "ioctl": Handler(_enter_ioctl),
    "socket": Handler(_enter_socket),
    "listen": Handler(_enter_listen),
    "bind": Handler(_enter_bind, lambda tracing, thread, call, result: After.GO_ON),
}
