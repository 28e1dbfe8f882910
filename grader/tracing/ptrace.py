"""The kernel's tracing interface, typed: ptrace(2), seccomp(2) and prctl(2).

Only this module and `timepage` call C. Every function that asks the kernel raises
``OSError`` with its errno; ``ESRCH`` (``ProcessLookupError``) means that the tracee
is gone or was killed while it was stopped, which can happen at any request.

The zygote imports this module too, so it imports little itself.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
from contextlib import suppress
from enum import IntEnum

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [
    ctypes.c_long,
    ctypes.c_long,
    ctypes.c_void_p,
    ctypes.c_void_p,
]
_libc.ptrace.restype = ctypes.c_long
_ptrace = _libc.ptrace
_libc.prctl.restype = ctypes.c_int
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
_libc.syscall.restype = ctypes.c_long
for _transfer in (_libc.process_vm_readv, _libc.process_vm_writev):
    _transfer.restype = ctypes.c_ssize_t
    _transfer.argtypes = [
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_ulong,
        ctypes.c_void_p,
        ctypes.c_ulong,
        ctypes.c_ulong,
    ]
_libc.tee.restype = ctypes.c_ssize_t
_libc.tee.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint]

# <linux/ptrace.h>
_TRACEME = 0
_CONT = 7
_SINGLESTEP = 9
_DETACH = 17
_SYSCALL = 24
_GETEVENTMSG = 0x4201
_GETREGSET = 0x4204
_SETREGSET = 0x4205
_SEIZE = 0x4206
_INTERRUPT = 0x4207
_LISTEN = 0x4208
_GETSIGMASK = 0x420A
_SETSIGMASK = 0x420B

# Without it waitpid(2) does not see threads.
_WALL = 0x40000000

_NT_PRSTATUS = 1
_NT_PRFPREG = 2


class Event(IntEnum):
    """Why a tracee stopped, beyond signals and system calls: ptrace(2)."""

    FORK = 1
    VFORK = 2
    CLONE = 3
    EXEC = 4
    VFORK_DONE = 5
    EXIT = 6
    SECCOMP = 7
    STOP = 128


_OPTIONS = (
    0x1  # TRACESYSGOOD: a system call's stop is SIGTRAP | 0x80
    | 0x2  # TRACEFORK
    | 0x4  # TRACEVFORK
    | 0x8  # TRACECLONE
    | 0x10  # TRACEEXEC
    | 0x20  # TRACEVFORKDONE
    | 0x40  # TRACEEXIT
    | 0x80  # TRACESECCOMP
    | 0x100000  # EXITKILL: no tracee outlives its tracer
)


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _request(request: int, pid: int, address: object = 0, data: object = 0) -> int:
    result: int = _ptrace(request, pid, address, data)
    if result == -1:
        _complain(request, pid)
    return result


def _complain(request: int, pid: int) -> None:
    error = ctypes.get_errno()
    if error:
        raise OSError(error, os.strerror(error), f"ptrace({request:#x}, {pid})")


def trace_me() -> None:
    """Ask the parent to trace this process from its next exec on."""
    _request(_TRACEME, 0)


def seize(tid: int) -> None:
    """Become the tracer of a thread without stopping it.

    Raises ``PermissionError`` where ptrace is refused: Yama, another user's
    process, a container without the right, or a tracer that is there already.
    """
    _request(_SEIZE, tid, 0, _OPTIONS)


def interrupt(tid: int) -> None:
    """Stop a running tracee; it reports ``Event.STOP``."""
    _request(_INTERRUPT, tid)


def resume(tid: int, signal: int = 0) -> None:
    """Let a stopped tracee run, delivering `signal` (0: none)."""
    if _ptrace(_CONT, tid, 0, signal) == -1:
        _complain(_CONT, tid)


def resume_to_syscall(tid: int, signal: int = 0) -> None:
    """Let a stopped tracee run up to the next entry or exit of a system call."""
    if _ptrace(_SYSCALL, tid, 0, signal) == -1:
        _complain(_SYSCALL, tid)


def single_step(tid: int) -> None:
    """Let a stopped tracee run one instruction."""
    _request(_SINGLESTEP, tid)


def listen(tid: int) -> None:
    """Leave a tracee in its group-stop, where SIGCONT can still reach it."""
    _request(_LISTEN, tid)


def detach(tid: int, signal: int = 0) -> None:
    """Stop being the tracer of a stopped tracee."""
    _request(_DETACH, tid, 0, signal)


_message = ctypes.c_ulong()


def event_message(tid: int) -> int:
    """What belongs to the present event: the new child's id, the exit status."""
    _request(_GETEVENTMSG, tid, 0, ctypes.byref(_message))
    return _message.value


_ASK = os.WNOHANG | _WALL


def wait(tid: int) -> int:
    """Wait until a tracee reports; the status that it reports, waitpid(2)."""
    return os.waitpid(tid, _WALL)[1]


def poll(tid: int) -> int | None:
    """The status that a tracee reports, waitpid(2); None where it has no news."""
    pid, status = os.waitpid(tid, _ASK)
    return status if pid else None


def has_news(tid: int) -> bool:
    """Whether a tracee reports something that `wait` has not taken yet, waitid(2)."""
    options = os.WEXITED | os.WSTOPPED | os.WNOHANG | os.WNOWAIT | _WALL
    return os.waitid(os.P_PID, tid, options) is not None


def wait_for_end(tid: int) -> None:
    """Wait until a tracee that runs into its end is dead, and leave its status there.

    Until `wait` has taken that, its parent cannot see that it died, ptrace(2).
    """
    os.waitid(os.P_PID, tid, os.WEXITED | os.WNOWAIT | _WALL)


def look_into_pipe(fd: int, size: int) -> bytes:
    """The first bytes that lie in a pipe, which keeps them, tee(2).

    `fd` is a read end with O_NONBLOCK. Empty where nothing lies there.
    """
    ours, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        count = _libc.tee(fd, theirs, size, 0)
        return os.read(ours, count) if count > 0 else b""
    finally:
        os.close(ours)
        os.close(theirs)


class _Bytes(ctypes.Structure):
    """``struct iovec`` of bytes that are ours."""

    _fields_ = (("base", ctypes.c_char_p), ("length", ctypes.c_size_t))


_ours, _theirs = _Bytes(), _IoVec()
_our_part, _their_part = ctypes.byref(_ours), ctypes.byref(_theirs)


def write_memory(pid: int, address: int, data: bytes) -> bool:
    """Write to a process's memory where it may itself; whether all was written.

    process_vm_writev(2).
    """
    _ours.base, _theirs.base = data, address
    _ours.length = _theirs.length = len(data)
    done: int = _libc.process_vm_writev(pid, _our_part, 1, _their_part, 1, 0)
    if done < 0 and ctypes.get_errno() in _NO_SUCH_TRANSFER:
        return force_memory(pid, address, data)
    return done == len(data)


# Where a filter lets ptrace(2) through and not this call, as of a container.
_NO_SUCH_TRANSFER = (errno.EPERM, errno.ENOSYS)


def force_memory(pid: int, address: int, data: bytes) -> bool:
    """The same where the process may only read, too: proc_pid_mem(5)."""
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False  # it is gone
    try:
        return os.pwrite(memory, data, address) == len(data)
    except (OSError, OverflowError):
        return False
    finally:
        os.close(memory)


class RegisterSet:
    """Room for the general registers of a stopped tracee, and how to move them.

    These are the requests that a run makes most, so what they are made with is made
    once.
    """

    def __init__(self, registers: ctypes.Structure) -> None:
        self._room = _IoVec(ctypes.addressof(registers), ctypes.sizeof(registers))
        self._reference = ctypes.byref(self._room)
        self.registers = registers  # keeps the room alive

    def read(self, tid: int) -> None:
        """Read the registers of a stopped tracee."""
        if _ptrace(_GETREGSET, tid, _NT_PRSTATUS, self._reference) == -1:
            _complain(_GETREGSET, tid)

    def write(self, tid: int) -> None:
        """Write the registers of a stopped tracee."""
        if _ptrace(_SETREGSET, tid, _NT_PRSTATUS, self._reference) == -1:
            _complain(_SETREGSET, tid)


_mask = ctypes.c_uint64()


def get_signal_mask(tid: int) -> int:
    """Which signals a stopped tracee blocks: the lowest bit is that of signal 1."""
    _request(_GETSIGMASK, tid, ctypes.sizeof(_mask), ctypes.byref(_mask))
    return _mask.value


def set_signal_mask(tid: int, blocked: int) -> None:
    """Let a stopped tracee block these signals, as far as they can be blocked."""
    _mask.value = blocked
    _request(_SETSIGMASK, tid, ctypes.sizeof(_mask), ctypes.byref(_mask))


_vectors = ctypes.create_string_buffer(512)


def get_vector_registers(tid: int) -> bytes:
    """The floating-point and vector registers of a stopped tracee."""
    room = _IoVec(ctypes.addressof(_vectors), ctypes.sizeof(_vectors))
    _request(_GETREGSET, tid, _NT_PRFPREG, ctypes.byref(room))
    return _vectors.raw


# prctl(2) and seccomp(2), for the process that is about to become a submission.

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_SECUREBITS = 28
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_THP_DISABLE = 41
_M_ARENA_MAX = -8
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_PTRACER = 0x59616D61
_SECCOMP_MODE_FILTER = 2
# SECBIT_NOROOT and SECBIT_NO_SETUID_FIXUP, both locked.
_ROOT_IS_NOBODY = 0b1111
_CAPABILITY_VERSION_3 = 0x20080522


class _FilterProgram(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _prctl(option: int, *arguments: int) -> None:
    if _libc.prctl(option, *(*arguments, 0, 0, 0, 0)[:4]) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), f"prctl({option})")


def adopt_orphans() -> None:
    """Become the process that orphaned descendants are given to: prctl(2)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def hide_memory(*, hidden: bool = True) -> None:
    """Keep processes of the same user from reading or tracing this one, prctl(2).

    Its forks are as it was; what it executes is not hidden.
    """
    _prctl(_PR_SET_DUMPABLE, int(not hidden))


def take_small_pages() -> None:
    """Fill memory by single pages, as well as whatever is forked or executed: prctl(2).

    A huge page is two megabytes of memory for one touched byte.
    """
    # EINVAL: a kernel without huge pages.
    with suppress(OSError):
        _prctl(_PR_SET_THP_DISABLE, 1)


def share_one_heap() -> None:
    """Let the threads of this process and of its forks allocate from one heap.

    mallopt(3). It grows by brk(2), and what each thread had of its own by calls that
    are too small to be counted.
    """
    with suppress(AttributeError):  # another libc
        _libc.mallopt(_M_ARENA_MAX, 1)


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """Have this process sent a signal when the thread that made it ends, prctl(2)."""
    _prctl(_PR_SET_PDEATHSIG, number)


def permit_tracer(pid: int) -> None:
    """Let `pid` trace this process where Yama restricts it to ancestors."""
    # EINVAL: a kernel without Yama, where nothing has to be permitted.
    with suppress(OSError):
        _prctl(_PR_SET_PTRACER, pid)


def give_up_privileges() -> None:
    """Gain no privileges by any later exec, which filters and Landlock ask for."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def install_filter(program: bytes) -> None:
    """Filter this process's system calls for good; see `give_up_privileges`."""
    block = _FilterProgram(len(program) // 8, program)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(block))


_PIDFD_GETFD = 438  # the same number on every architecture


def borrow_descriptor(pid: int, fd: int) -> int:
    """A descriptor of ours on what `fd` of a tracee is open on: pidfd_getfd(2).

    Raises ``OSError`` where it is closed, or the process is gone.
    """
    process = os.pidfd_open(pid)
    try:
        ours: int = _libc.syscall(
            ctypes.c_long(_PIDFD_GETFD), process, fd, ctypes.c_uint(0)
        )
        if ours == -1:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), f"pidfd_getfd({fd})")
        return ours
    finally:
        os.close(process)


class _CapabilityHeader(ctypes.Structure):
    """``struct __user_cap_header_struct``."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def drop_capabilities() -> None:
    """Give up every capability, for good: capabilities(7).

    What root executes has none either. The user stays the same, so that a tracer of
    that user can still look at this process.
    """
    # Without the right to say so, whatever is executed has no more than this process,
    # once that has given up new privileges.
    with suppress(OSError):
        _prctl(_PR_SET_SECUREBITS, _ROOT_IS_NOBODY)
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    if _libc.capset(ctypes.byref(header), bytes(24)) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "capset")


# Landlock has the same numbers on every architecture.
_landlock = ctypes.CFUNCTYPE(
    ctypes.c_long,
    ctypes.c_long,
    ctypes.c_long,
    ctypes.c_long,
    ctypes.c_char_p,
    ctypes.c_long,
    use_errno=True,
)(("syscall", _libc))
_create_ruleset = ctypes.CFUNCTYPE(
    ctypes.c_long,
    ctypes.c_long,
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.c_long,
    use_errno=True,
)(("syscall", _libc))
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_VERSION = 1
_PATH_BENEATH = 1
_RULESET = struct.Struct("=3Q")
_PATH_RULE = struct.Struct("=Qi")


def landlock_version() -> int:
    """The version of Landlock's interface here, 0 where there is none: landlock(7)."""
    version: int = _create_ruleset(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    return max(version, 0)


def create_ruleset(files: int, ports: int, scopes: int) -> int:
    """A descriptor of what `restrict_self` will refuse: landlock_create_ruleset(2).

    Of files and of ports all that is not allowed by a rule, beyond the process's own
    kind all that is in `scopes`.
    """
    block = _RULESET.pack(files, ports, scopes)
    ruleset: int = _create_ruleset(_LANDLOCK_CREATE_RULESET, block, len(block), 0)
    return _checked(ruleset, "landlock_create_ruleset")


def rule_beneath(folder: int, rights: int) -> bytes:
    """A rule for `add_rules`: rights on an open file or folder, and all beneath it."""
    return _PATH_RULE.pack(rights, folder)


def add_rules(ruleset: int, rules: list[bytes]) -> None:
    """Allow what these rules say, landlock_add_rule(2)."""
    for rule in rules:
        if _landlock(_LANDLOCK_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) == -1:
            _checked(-1, "landlock_add_rule")


def restrict_self(ruleset: int) -> None:
    """Keep this process to the rules for good; see `give_up_privileges`."""
    _checked(
        _landlock(_LANDLOCK_RESTRICT_SELF, ruleset, 0, None, 0),
        "landlock_restrict_self",
    )


def _checked(result: int, name: str) -> int:
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), name)
    return result


def read_memory(pid: int, address: int, size: int) -> bytes:
    """Bytes of a process's memory; fewer, or none, where they are not mapped.

    process_vm_readv(2). Of this process's own it can be used too, at any address.
    """
    data = ctypes.create_string_buffer(size)
    ours = _IoVec(ctypes.addressof(data), size)
    theirs = _IoVec(address & (1 << 64) - 1, size)
    parts = ctypes.byref(ours), 1, ctypes.byref(theirs), 1
    got: int = _libc.process_vm_readv(pid, *parts, 0)
    return data.raw[: max(got, 0)]


def interpreter_state() -> int:
    """The address of this interpreter's state, PyInterpreterState_Get."""
    get = ctypes.pythonapi.PyInterpreterState_Get
    get.restype = ctypes.c_void_p
    return int(get())


def debug_offsets(size: int) -> bytes:
    """The first bytes of _PyRuntime: where this interpreter says its fields are."""
    return bytes((ctypes.c_char * size).in_dll(ctypes.pythonapi, "_PyRuntime"))
