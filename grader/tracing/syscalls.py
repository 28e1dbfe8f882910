"""System calls per architecture: numbers, registers, and the filter that stops them.

What else differs between architectures is here too, so that a port touches one
file. Today: x86-64.
"""

from __future__ import annotations

import ctypes
import operator
import os
import platform
import struct
from collections.abc import Mapping
from typing import Final


class UnsupportedMachine(RuntimeError):
    """This processor's system calls are not known to forklab."""


if platform.machine() != "x86_64":
    raise UnsupportedMachine(
        f"forklab traces programs on x86-64 only, and this machine is "
        f"{platform.machine()}; run it on an x86-64 machine"
    )

_AUDIT_ARCH: Final = 0xC000003E
_FIRST_FOREIGN_NUMBER: Final = 0x40000000  # the x32 table starts here

# fmt: off
NUMBERS: Final[dict[str, int]] = {
    # processes
    "execve": 59, "execveat": 322, "wait4": 61, "waitid": 247,
    "setpgid": 109, "setsid": 112, "prlimit64": 302,
    # descriptors
    "pipe": 22, "pipe2": 293, "dup": 32, "dup2": 33, "dup3": 292, "fcntl": 72,
    "close": 3, "close_range": 436,
    "read": 0, "readv": 19, "write": 1, "writev": 20,
    "preadv2": 327, "pwritev2": 328,
    "accept": 43, "accept4": 288, "recvfrom": 45, "recvmsg": 47,
    "sendto": 44, "sendmsg": 46, "connect": 42, "shutdown": 48,
    "splice": 275, "tee": 276, "vmsplice": 278, "sendfile": 40,
    "flock": 73,
    # waiting for several things, or for time
    "poll": 7, "ppoll": 271, "select": 23, "pselect6": 270,
    "epoll_wait": 232, "epoll_pwait": 281, "epoll_pwait2": 441,
    "nanosleep": 35, "clock_nanosleep": 230, "restart_syscall": 219,
    "futex": 202, "sched_yield": 24,
    # clocks and timers
    "clock_gettime": 228, "gettimeofday": 96, "time": 201,
    "setitimer": 38, "getitimer": 36, "alarm": 37,
    # signals
    "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129,
    "rt_tgsigqueueinfo": 297, "pidfd_send_signal": 424,
    "rt_sigaction": 13, "pause": 34,
    "rt_sigsuspend": 130, "rt_sigtimedwait": 128,
}

# Which of a call's arguments are descriptors: the kernel looks at their low halves.
DESCRIPTORS: Final[dict[int, tuple[int, ...]]] = {
    **dict.fromkeys(
        (NUMBERS[name] for name in (
            "fcntl", "dup", "close", "read", "readv", "write", "writev", "preadv2",
            "pwritev2", "accept", "accept4", "recvfrom", "recvmsg", "sendto", "sendmsg",
            "connect", "shutdown", "vmsplice", "flock", "epoll_wait", "epoll_pwait",
            "epoll_pwait2",
        )),
        (0,),
    ),
    **dict.fromkeys(
        (NUMBERS[name] for name in (
            "dup2", "dup3", "tee", "sendfile", "close_range",
        )),
        (0, 1),
    ),
    NUMBERS["splice"]: (0, 2),
}

# Calls on files by their names. Programs make many, and who judges a single timing does
# not need them; whoever searches for a timing does, see `Schedule.fine`.
NAMING: Final[dict[str, int]] = {
    "open": 2, "creat": 85, "openat": 257,
    "stat": 4, "lstat": 6, "newfstatat": 262, "statx": 332,
    "access": 21, "faccessat": 269, "faccessat2": 439,
    "mkdir": 83, "mkdirat": 258, "rmdir": 84, "unlink": 87, "unlinkat": 263,
    "rename": 82, "renameat": 264, "renameat2": 316,
    "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266,
    "readlink": 89, "readlinkat": 267, "truncate": 76,
    "mknod": 133, "mknodat": 259,
}

# Those of them that only look; the others use a file or change a folder.
LOOKING: Final = (
    "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2",
    "readlink", "readlinkat",
)

# Those of them that open files; and those that make some: the tracer sees which ones,
# see `Reach.shared`.
OPENING: Final = ("open", "openat", "creat")
MAKING: Final = (*OPENING, "mknod", "mknodat")

# What no exercise needs and what would escape the tracer or reach past the
# submission: seen by the tracer, refused, and told.
FORBIDDEN: Final[dict[str, int]] = {
    # other processes
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
    "pidfd_getfd": 438, "kcmp": 312, "process_madvise": 440,
    "process_mrelease": 448, "migrate_pages": 256, "move_pages": 279,
    # what the program is confined by
    "unshare": 272, "setns": 308, "seccomp": 317, "personality": 135,
    "landlock_create_ruleset": 444, "landlock_add_rule": 445,
    "landlock_restrict_self": 446, "lsm_set_self_attr": 460, "modify_ldt": 154,
    # calls that are made past the filter
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "io_submit": 209,
    # mounts, and files without their names
    "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431,
    "fsmount": 432, "fspick": 433, "mount_setattr": 442, "open_tree_attr": 467,
    "name_to_handle_at": 303, "open_by_handle_at": 304, "uselib": 134,
    "fanotify_init": 300, "fanotify_mark": 301,
    # what a filter cannot look into, and no library here uses
    "openat2": 437, "sendmmsg": 307,
    # the kernel and the machine
    "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
    "keyctl": 250, "add_key": 248, "request_key": 249,
    "kexec_load": 246, "kexec_file_load": 320, "init_module": 175,
    "finit_module": 313, "delete_module": 176, "reboot": 169, "syslog": 103,
    "swapon": 167, "swapoff": 168, "quotactl": 179, "quotactl_fd": 443,
    "acct": 163, "vhangup": 153, "iopl": 172, "ioperm": 173,
    "settimeofday": 164, "clock_settime": 227, "adjtimex": 159,
    "clock_adjtime": 305, "sethostname": 170, "setdomainname": 171,
    "memfd_secret": 447,
    # objects that outlive their makers
    "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65,
    "semctl": 66, "semtimedop": 220, "msgget": 68, "msgsnd": 69, "msgrcv": 70,
    "msgctl": 71, "mq_open": 240, "mq_unlink": 241,
    # time that the tracer does not own
    "timer_create": 222, "timerfd_create": 283,
    # limits that are told: libraries make prlimit64 of it
    "setrlimit": 160,
}

# Calls that take of what is limited: they stop, and are counted. Of the first row the
# filter stops only what is worth counting.
TAKING: Final[dict[str, int]] = {
    "mmap": 9, "mremap": 25, "mprotect": 10, "open": 2, "openat": 257,
    "brk": 12,
    "creat": 85, "memfd_create": 319, "mkdir": 83, "mkdirat": 258,
    "symlink": 88, "symlinkat": 266, "link": 86, "linkat": 265,
    "mknod": 133, "mknodat": 259, "bind": 49,
    "pwrite64": 18, "pwritev": 296, "fallocate": 285, "copy_file_range": 326,
}

# Calls that the filter stops for some arguments only, or whose arguments the tracer
# looks into, and that are nobody's business else: no turn ends with one.
POLICED: Final[dict[str, int]] = {
    "clone": 56, "prctl": 157, "ioctl": 16, "socket": 41, "bind": 49, "listen": 50,
    "setpriority": 141, "ioprio_set": 251, "sched_setaffinity": 203,
    "sched_setscheduler": 144, "sched_setparam": 142, "sched_setattr": 314,
    # what is noted beside a file's content, and who is told of its use
    "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452,
    "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260,
    "utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280,
    "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "setxattrat": 463,
    "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199,
    "removexattrat": 466, "file_setattr": 469, "inotify_add_watch": 254,
    "chdir": 80,
}
# fmt: on

# Linux 6.18 has none from here on. What later ones have may escape in a way that is not
# known here, and what uses it must do without it on older ones.
FIRST_UNKNOWN: Final = 470

# A piece of memory that is worth counting, in bytes: smaller ones allocators have cut
# from one that they asked for, mallopt(3).
LARGE: Final = 128 << 10
MAP_SHARED: Final = 0x01
MAP_ANONYMOUS: Final = 0x20
_PROT_WRITE: Final = 2

CLOCK_GETTIME: Final = NUMBERS["clock_gettime"]
MMAP: Final = TAKING["mmap"]
MUNMAP: Final = 11
SOCKETPAIR: Final = 53
CLONE3: Final = 435
POLL: Final = 7

NAMES: Final[dict[int, str]] = {
    number: name
    for table in (TAKING, NAMING, NUMBERS, FORBIDDEN, POLICED)
    for name, number in table.items()
}

# CLONE_UNTRACED, CLONE_PARENT, which makes a child of one's parent, and every
# CLONE_NEW* that clone(2) takes.
_ESCAPING_CLONE: Final = 0x00800000 | 0x00008000 | 0x7E020000
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22  # an earlier filter's answer may outrank ours
_PRIO_USER: Final = 2
TMPFILE: Final = 0o20000000  # O_TMPFILE without O_DIRECTORY
MAKES_FILE: Final = os.O_CREAT | TMPFILE

# Requests of ioctl(2) that send signals, that type on a terminal, or that reach into
# the kernel's terminals: TIOCSPGRP, FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX, TIOCCONS,
# TIOCSETD. And FIONREAD, which says how much lies in a pipe.
TIOCSPGRP: Final = 0x5410
FIONREAD: Final = 0x541B
# And those that change a file's attributes: FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR,
# FS_IOC_ENABLE_VERITY, FS_IOC_SETVERSION, EXT4_IOC_SETVERSION_OLD, EXT4_IOC_MIGRATE,
# FS_IOC_SET_ENCRYPTION_POLICY, FAT_IOCTL_SET_ATTRIBUTES, BTRFS_IOC_SUBVOL_SETFLAGS.
MARKS_FILE: Final = (
    *(0x40086602, 0x401C5820, 0x40806685, 0x40087602, 0x40086604, 0x6609),
    *(0x800C6613, 0x40047211, 0x4008941A),
)
# And those of btrfs(5) that make and remove whole trees, where a folder can be read;
# Landlock is not asked: SNAP_CREATE, SUBVOL_CREATE, SNAP_DESTROY, and their second
# versions.
_TREES: Final = (
    *(0x50009401, 0x5000940E, 0x5000940F),
    *(0x50009417, 0x50009418, 0x5000943F),
)
_REACHING: Final = (
    *(TIOCSPGRP, FIONREAD, 0x8901, 0x8902, 0x5412, 0x541C, 0x541D, 0x5423),
    *MARKS_FILE,
    *_TREES,
)

_AF_UNIX: Final = 1

_ALLOW: Final = 0x7FFF0000
_TRACE: Final = 0x7FF00000
_KILL: Final = 0x80000000
_NOT_PERMITTED: Final = 0x00050000 | 13  # EACCES
_NO_SUCH_CALL: Final = 0x00050000 | 38  # ENOSYS: libc falls back to clone(2)

_LOAD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_AT_LEAST: Final = 0x35
_JUMP_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06


def _instruction(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _answer(what: int) -> bytes:
    return _instruction(_RETURN, what)


def _argument(index: int) -> bytes:
    """Load the low half of an argument, which is all that these calls look at."""
    return _instruction(_LOAD, 16 + 8 * index)


def _traced_if(index: int, test: int, *values: int) -> bytes:
    """Stop at a call one of whose arguments is so, and let it pass else."""
    count = len(values)
    tests = (
        _instruction(test, value, count - place) for place, value in enumerate(values)
    )
    return b"".join((_argument(index), *tests, _answer(_ALLOW), _answer(_TRACE)))


def _traced_unless(index: int, *values: int) -> bytes:
    """Let a call pass one of whose arguments is so, and stop at it else."""
    count = len(values)
    tests = (
        _instruction(_JUMP_EQUAL, value, count - place)
        for place, value in enumerate(values)
    )
    return b"".join((_argument(index), *tests, _answer(_TRACE), _answer(_ALLOW)))


def _traced_if_large(index: int) -> bytes:
    """Stop at a call that asks for so much that it is worth counting."""
    return b"".join(
        (
            _instruction(_LOAD, 16 + 8 * index + 4),  # the high half
            _instruction(_JUMP_AT_LEAST, 1, 2),
            _argument(index),
            _instruction(_JUMP_AT_LEAST, LARGE, 0, 1),
            _answer(_TRACE),
            _answer(_ALLOW),
        )
    )


def _traced_unless_null(index: int) -> bytes:
    """Stop at a call that is given an address there, and let it pass else."""
    return b"".join(
        (
            _instruction(_LOAD, 16 + 8 * index + 4),  # the high half
            _instruction(_JUMP_EQUAL, 0, 0, 2),
            _argument(index),
            _instruction(_JUMP_EQUAL, 0, 1),
            _answer(_TRACE),
            _answer(_ALLOW),
        )
    )


# A large piece that is to be written to: mmap(2), mprotect(2).
_TRACED_IF_WRITABLE_AND_LARGE: Final = b"".join(
    (
        _argument(2),
        _instruction(_JUMP_ANY_BIT, _PROT_WRITE, 1),
        _answer(_ALLOW),
        _traced_if_large(1),
    )
)


# Opened neither for reading nor for writing, open(2), "File access mode". Landlock asks
# for no right then, and ioctl(2) could be used of any file, and of any terminal.
_NOT_FOR_IOCTL_ALONE: Final = b"".join(
    (
        _instruction(_JUMP_ANY_BIT, os.O_WRONLY, 0, 2),
        _instruction(_JUMP_ANY_BIT, os.O_RDWR, 0, 1),
        _answer(_NOT_PERMITTED),
    )
)


def _opening(index: int) -> bytes:
    """Stop at an open(2) that makes a file, or may make a terminal, posix_openpt(3).

    That is opened to be read and written, as files seldom are. `index`: of its flags.
    """
    rest = _traced_if(index, _JUMP_ANY_BIT, MAKES_FILE | os.O_RDWR)
    return _argument(index) + _NOT_FOR_IOCTL_ALONE + rest


# What the filter answers to the calls whose arguments matter to it.
_BY_ARGUMENTS: Final = {
    "clone": _traced_if(0, _JUMP_ANY_BIT, _ESCAPING_CLONE),
    "prctl": _traced_if(0, _JUMP_EQUAL, _PR_SET_DUMPABLE, _PR_SET_SECCOMP),
    "ioctl": _traced_if(1, _JUMP_EQUAL, *_REACHING),
    "socket": _traced_unless(0, _AF_UNIX),
    "open": _opening(1),
    "openat": _opening(2),
    # Interpreters ask at their start for the disposition of each signal.
    "rt_sigaction": _traced_unless_null(1),
    # What a shared piece of a file is filled with, no call tells.
    "mmap": _argument(3)
    + _instruction(_JUMP_ANY_BIT, MAP_SHARED, 0, 2)
    + _instruction(_JUMP_ANY_BIT, MAP_ANONYMOUS, 1)
    + _answer(_TRACE)
    + _TRACED_IF_WRITABLE_AND_LARGE,
    "mprotect": _TRACED_IF_WRITABLE_AND_LARGE,
    "mremap": _traced_if_large(2),
    # On itself alone, in which it does no harm.
    "sched_setaffinity": _traced_unless(0, 0),
    "sched_setscheduler": _traced_unless(0, 0),
    "sched_setparam": _traced_unless(0, 0),
    "sched_setattr": _traced_unless(0, 0),
    "ioprio_set": _traced_unless(1, 0),
    "setpriority": _argument(1)
    + _instruction(_JUMP_EQUAL, 0, 1)
    + _answer(_TRACE)
    + _traced_if(0, _JUMP_EQUAL, _PRIO_USER),
}


def filter_program(*, fine: bool = False, keeps: bool = False) -> bytes:
    """The seccomp filter of a submission, as ``struct sock_filter`` records.

    It stops the process at the calls of `NUMBERS` and `FORBIDDEN`, at those of
    `POLICED` and `TAKING` for the arguments that matter (`fine`: and at all of
    `NAMING`; `keeps`: at all but those that only look), answers clone3 with ENOSYS (its
    flags are in memory, where a filter cannot read), kills foreign system-call tables,
    and lets everything else run at full speed. Calls of kernels that are not known yet
    do not exist either.
    """
    head = [
        _instruction(_LOAD, 4),  # seccomp_data.arch
        _instruction(_JUMP_EQUAL, _AUDIT_ARCH, 1, 0),
        _answer(_KILL),
        _instruction(_LOAD, 0),  # seccomp_data.nr
        _instruction(_JUMP_AT_LEAST, _FIRST_FOREIGN_NUMBER, 0, 1),
        _answer(_KILL),
    ]
    answers = dict.fromkeys((CLONE3, FIRST_UNKNOWN), _answer(_NO_SUCH_CALL))
    for calls in (NUMBERS, FORBIDDEN, POLICED, TAKING):
        for name, number in calls.items():
            answers[number] = _BY_ARGUMENTS.get(name) or _answer(_TRACE)
    stops_at = [n for n in NAMING if fine or (keeps and n not in LOOKING)]
    answers |= dict.fromkeys((NAMING[name] for name in stops_at), _answer(_TRACE))
    return b"".join(head) + _decision(_runs(answers))


def _runs(answers: Mapping[int, bytes]) -> list[tuple[int, bytes]]:
    """Where runs of numbers begin that have the same answer, in order.

    The last number stands for all that follow.
    """
    runs: list[tuple[int, bytes]] = []
    for number in range(max(answers) + 1):
        answer = answers.get(number) or _answer(_ALLOW)
        if not runs or runs[-1][1] != answer:
            runs.append((number, answer))
    return runs


def _decision(runs: list[tuple[int, bytes]]) -> bytes:
    """A search by halves for the run that the number at hand belongs to.

    The kernel tries the filter on every number when it is installed, so to ask for
    one number after the other would take a tenth of a short program's time.
    """
    if len(runs) == 1:
        return runs[0][1]
    half = len(runs) // 2
    below, above = _decision(runs[:half]), _decision(runs[half:])
    return _instruction(_JUMP_AT_LEAST, runs[half][0], len(below) // 8) + below + above


# ``clock_gettime`` as `timepage` has it; the words are explained in `clock`.
# fmt: off
CLOCK_FUNCTION: Final = bytes.fromhex(
    "4c8b05a1000000"    # mov   r8, [rip + page]
    "83ff0f"            # cmp   edi, 15
    "777b"              # ja    call
    "89f8"              # mov   eax, edi
    "4d8b4cc028"        # mov   r9, [r8 + rax*8 + 40]    what this clock began with
    "4d85c9"            # test  r9, r9
    "746f"              # jz    call                     it is not virtual
    "488b0599000000"    # mov   rax, [rip + caller]
    "483b0424"          # cmp   rax, [rsp]
    "7519"              # jne   counted
    "488b0d94000000"    # mov   rcx, [rip + distance]
    "488b0595000000"    # mov   rax, [rip + its_caller]
    "483b040c"          # cmp   rax, [rsp + rcx]
    "7505"              # jne   counted
    "f049ff4010"        # lock inc qword [r8 + 16]       it is for a lock
    "f049ff4808"        # counted: lock dec qword [r8 + 8]
    "7842"              # js    call                     no look is free
    "498b4018"          # mov   rax, [r8 + 24]           by how much time moves
    "4901c1"            # add   r9, rax
    "4889c1"            # mov   rcx, rax
    "490faf4820"        # imul  rcx, [r8 + 32]           and by how much more then
    "48c1e910"          # shr   rcx, 16
    "4801c1"            # add   rcx, rax
    "ba00e1f505"        # mov   edx, 100000000
    "4839d1"            # cmp   rcx, rdx
    "480f47ca"          # cmova rcx, rdx
    "49894818"          # mov   [r8 + 24], rcx
    "f0490fc100"        # lock xadd [r8], rax
    "4c01c8"            # add   rax, r9
    "31d2"              # xor   edx, edx
    "b900ca9a3b"        # mov   ecx, 1000000000
    "48f7f1"            # div   rcx
    "488906"            # mov   [rsi], rax
    "48895608"          # mov   [rsi + 8], rdx
    "31c0"              # xor   eax, eax
    "c3"                # ret
    "b8e4000000"        # call: mov eax, 228             clock_gettime
    "0f05"              # syscall
    "85c0"              # test  eax, eax
    "7801"              # js    failed
    "c3"                # ret
    "f7d8"              # failed: neg eax
    "50"                # push  rax
    "ff1514000000"      # call  [rip + errno_location]
    "59"                # pop   rcx
    "8908"              # mov   [rax], ecx
    "b8ffffffff"        # mov   eax, -1
    "c3"                # ret
    "0f1f00"            # nop, so that the five words that follow are aligned
)
# What is there before it while it is found out who calls: it notes what lies on the
# stack, 64 words, and goes on there. Two addresses follow, of the notes and of where.
NOTE_CALLERS: Final = bytes.fromhex(
    "488b0519000000"    # mov   rax, [rip + notes]
    "31c9"              # xor   ecx, ecx
    "488b14cc"          # next: mov rdx, [rsp + rcx*8]
    "488914c8"          # mov   [rax + rcx*8], rdx
    "ffc1"              # inc   ecx
    "83f940"            # cmp   ecx, 64
    "72f1"              # jb    next
    "ff250a000000"      # jmp   [rip + where]
    "6690"              # nop, so that the two addresses are aligned
)
# fmt: on
JUMP: Final = bytes.fromhex("ff2500000000")  # jmp [rip]

# The functions of the vDSO, vdso(7), as `looking` has them. Each begins as all do, with
# the distance to the word that says where the page is; 0 there: nowhere yet.
_FIRST: Final = bytes.fromhex("4c8b05")  # mov r8, [rip + page]
_DISTANCE: Final = struct.Struct("=i")
# fmt: off
_CLOCK_FUNCTIONS: Final = {
    "clock_gettime": bytes.fromhex(
        "4d85c0"            # test  r8, r8
        "743e"              # jz    call
        "83ff0f"            # cmp   edi, 15
        "7739"              # ja    call
        "89f8"              # mov   eax, edi
        "4d8b4cc028"        # mov   r9, [r8 + rax*8 + 40]
        "4d85c9"            # test  r9, r9
        "742d"              # jz    call
        "f049ff4808"        # lock dec qword [r8 + 8]
        "7826"              # js    call
        "b8e8030000"        # mov   eax, 1000
        "f0490fc100"        # lock xadd [r8], rax
        "4a8d8408e8030000"  # lea   rax, [rax + r9 + 1000]
        "31d2"              # xor   edx, edx
        "b900ca9a3b"        # mov   ecx, 1000000000
        "48f7f1"            # div   rcx
        "488906"            # mov   [rsi], rax
        "48895608"          # mov   [rsi + 8], rdx
        "31c0"              # xor   eax, eax
        "c3"                # ret
        "b8e4000000"        # call: mov eax, 228
        "0f05"              # syscall
        "c3"                # ret
    ),
    "gettimeofday": bytes.fromhex(
        "4d85c0"            # test  r8, r8
        "7444"              # jz    call
        "4885ff"            # test  rdi, rdi
        "743f"              # jz    call
        "4885f6"            # test  rsi, rsi     asked for a timezone
        "753a"              # jnz   call
        "f049ff4808"        # lock dec qword [r8 + 8]
        "7833"              # js    call
        "b8e8030000"        # mov   eax, 1000
        "f0490fc100"        # lock xadd [r8], rax
        "49034028"          # add   rax, [r8 + 40]
        "4805e8030000"      # add   rax, 1000
        "31d2"              # xor   edx, edx
        "b900ca9a3b"        # mov   ecx, 1000000000
        "48f7f1"            # div   rcx
        "488907"            # mov   [rdi], rax
        "89d0"              # mov   eax, edx
        "31d2"              # xor   edx, edx
        "b9e8030000"        # mov   ecx, 1000
        "f7f1"              # div   ecx
        "48894708"          # mov   [rdi + 8], rax
        "31c0"              # xor   eax, eax
        "c3"                # ret
        "b860000000"        # call: mov eax, 96
        "0f05"              # syscall
        "c3"                # ret
    ),
    "time": bytes.fromhex(
        "4d85c0"            # test  r8, r8
        "742e"              # jz    call
        "f049ff4808"        # lock dec qword [r8 + 8]
        "7827"              # js    call
        "b8e8030000"        # mov   eax, 1000
        "f0490fc100"        # lock xadd [r8], rax
        "49034028"          # add   rax, [r8 + 40]
        "4805e8030000"      # add   rax, 1000
        "31d2"              # xor   edx, edx
        "b900ca9a3b"        # mov   ecx, 1000000000
        "48f7f1"            # div   rcx
        "4885ff"            # test  rdi, rdi
        "7403"              # jz    told
        "488907"            # mov   [rdi], rax
        "c3"                # told: ret
        "b8c9000000"        # call: mov eax, 201
        "0f05"              # syscall
        "c3"                # ret
    ),
}
# Makes a call, and then, at once, one that stops, in whose place the next can be made.
_CALLS: Final = bytes.fromhex(
    "0f05"        # calls: syscall
    "4989c7"      # mov   r15, rax
    "b818000000"  # mov   eax, 24    sched_yield
    "ebf4"        # jmp   calls
)
_MADE: Final = 2  # where it goes on when the call is made
# fmt: on


def clock_code() -> tuple[bytes, dict[str, int], int]:
    """What the functions of the vDSO are replaced by.

    It starts with the word that says where their page is. With it comes at which byte
    each of the functions is, and where `Registers.make` lets a thread make calls.
    """
    code, places = bytes(8), {}
    for name, function in _CLOCK_FUNCTIONS.items():
        places[name] = len(code)
        distance = -len(code) - len(_FIRST) - _DISTANCE.size
        code += _FIRST + _DISTANCE.pack(distance) + function
    return code + _CALLS, places, len(code)


SHORT_JUMP: Final = 5  # bytes


def short_jump(distance: int) -> bytes:
    """Code that goes that far from where it starts: jmp rel32."""
    return b"\xe9" + _DISTANCE.pack(distance - SHORT_JUMP)


_REGISTERS: Final = struct.Struct("=27Q")
# Where in `Registers` the arguments of a call lie: rdi, rsi, rdx, r10, r8, r9.
_in_call: Final = operator.itemgetter(14, 13, 12, 7, 9, 8)


def _narrowed(arguments: tuple[int, ...], place: int) -> tuple[int, ...]:
    """The same, with the low half of one argument as the whole of it."""
    low = arguments[place] & 0xFFFFFFFF
    return (*arguments[:place], low, *arguments[place + 1 :])


class Registers(ctypes.Structure):
    """``struct user_regs_struct`` and what the tracer changes in it."""

    # fmt: off
    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in (
            "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax",
            "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss",
            "fs_base", "gs_base", "ds", "es", "fs", "gs",
        )
    )
    # fmt: on

    # ctypes makes the fields at run time; these lines are for the type checker.
    r15: int
    rax: int
    orig_rax: int
    rip: int
    rsp: int
    fs_base: int  # pthread_self(3)

    _ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")

    def call(self) -> tuple[int, tuple[int, ...], int]:
        """At the entry of a call: its number, its arguments, and the stack pointer."""
        words = _REGISTERS.unpack(self)
        number, arguments = words[15], _in_call(words)
        for place in DESCRIPTORS.get(number, ()):
            if arguments[place] >> 32:
                arguments = _narrowed(arguments, place)
        return number, arguments, words[19]

    @property
    def result(self) -> int:
        """At the exit of a call: what the kernel returned, -errno where it failed."""
        value = self.rax
        return value - (1 << 64) if value >> 63 else value

    def set_call(self, number: int) -> None:
        """Make the call that is being entered another one; -1 skips it."""
        self.orig_rax = number & (1 << 64) - 1

    def set_argument(self, index: int, value: int) -> None:
        setattr(self, self._ARGUMENTS[index], value & (1 << 64) - 1)

    def set_result(self, value: int) -> None:
        self.rax = value & (1 << 64) - 1

    def reissue(self, number: int) -> None:
        """At the exit of a call: go back and make call `number` instead."""
        self.rip -= 2  # the length of the syscall instruction
        self.rax = number

    def make(self, number: int, arguments: tuple[int, ...], at: int) -> None:
        """Before a call: make this one in its place, and go on at the code there.

        `at` is the address of the calls of `clock_code`: it stops before the next.
        """
        self.set_call(number)
        for index, value in enumerate(arguments):
            self.set_argument(index, value)
        self.rip = at + _MADE

    def restore(self, saved: bytes) -> None:
        """Make them what they were, as ``bytes`` of them said."""
        ctypes.memmove(ctypes.addressof(self), saved, ctypes.sizeof(self))

    @property
    def made(self) -> int:
        """At that stop: what the kernel returned, -errno where it failed."""
        value = self.r15
        return value - (1 << 64) if value >> 63 else value

    def interrupted(self, number: int, restart: int) -> None:
        """At the exit of a call: let it look interrupted by a signal.

        `restart` is the kernel's internal code, one of `RESTART_IF_ASKED` and
        `RESTART_WITHOUT_HANDLER`: the kernel makes EINTR of it if a handler runs
        and otherwise makes the call again, signal(7).
        """
        self.orig_rax = number
        self.set_result(restart)


RESTART_IF_ASKED: Final = -512  # ERESTARTSYS: again if SA_RESTART
RESTART_WITHOUT_HANDLER: Final = -514  # ERESTARTNOHAND: EINTR after any handler

_AT_NULL: Final = 0
_AT_IGNORE: Final = 1
_AT_SYSINFO_EHDR: Final = 33


def vdso_entry(stack: bytes) -> int | None:
    """Where in a fresh program's stack its auxiliary vector names the vDSO.

    `stack` starts at the stack pointer of an exec stop: argc, argv, NULL, envp,
    NULL, then pairs. Returns the offset of the pair's key, or None.
    """
    words = struct.unpack(f"={len(stack) // 8}Q", stack[: len(stack) // 8 * 8])
    index = words[0] + 2
    while index < len(words) and words[index]:
        index += 1
    for key in range(index + 1, len(words) - 1, 2):
        if words[key] == _AT_SYSINFO_EHDR:
            return key * 8
        if words[key] == _AT_NULL:
            return None
    return None


IGNORED_ENTRY: Final = struct.pack("=Q", _AT_IGNORE)
