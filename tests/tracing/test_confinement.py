"""What a program may not reach, with Landlock and without, and what it still may."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from grader.diagnosis.causes import causes
from grader.exploring.choices import Pilot
from grader.tracing import confinement, launch
from grader.tracing.launch import Zygote
from grader.tracing.program import run as run_alone
from grader.tracing.recording import Refused
from grader.tracing.schedule import Schedule, take_turns
from tests.conftest import Run, needs_landlock

# --- files --------------------------------------------------------------------

KIT = Path(__file__).resolve().parents[2]
CLOSED = {
    "the solutions": ("r", KIT / "solutions" / "exercise1" / "exercise1.py"),
    "the checks": ("r", KIT / "exercises" / "exercise1" / "test_exercise1.py"),
    "forklab itself": ("r", confinement.__file__),
    "the password file's secrets": ("r", "/etc/shadow"),
    "a home": ("r", "/root/.profile"),
    "a thing to run": ("w", "/usr/bin/planted"),
    "the account list": ("a", "/etc/passwd"),
    "where all may write": ("w", "/tmp/planted"),
    "the kernel's settings": ("w", "/proc/sys/kernel/core_pattern"),
    "a process's settings": ("w", "/proc/self/oom_score_adj"),
    "the zygote's memory": ("r", "/proc/{zygote}/mem"),
    "the zygote's environment": ("r", "/proc/{zygote}/environ"),
    "the tracer's memory": ("r", "/proc/{tracer}/mem"),
    "the tracer's environment": ("r", "/proc/{tracer}/environ"),
    "the tracer's descriptors": ("r", "/proc/{tracer}/fd/1"),
    "another terminal": ("r", "{terminal}"),
}


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("what", CLOSED)
def test_closed_files(run: Run, zygote: Zygote, what: str) -> None:
    """They are not opened, whoever the user is."""
    mode, name = CLOSED[what]
    ours, theirs = os.openpty()
    names = {
        "zygote": zygote.pid,
        "tracer": os.getpid(),
        "terminal": os.ttyname(theirs),
    }
    file = str(name).format_map(names)
    recording = run(
        f"""
        try:
            open({file!r}, {mode!r})
            print("open")
        except (PermissionError, FileNotFoundError):
            print("closed")
        """
    )
    os.close(ours)
    os.close(theirs)
    assert recording.output == b"closed\n"
    assert recording.of(Refused) == []


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("makes", ["os.openpty()", "os.forkpty()", "pty.fork()"])
def test_a_terminal_of_its_own_is_refused(run: Run, makes: str, fine: bool) -> None:
    """It is told who did so: no machine fails there."""
    schedule = Pilot({}).schedule if fine else take_turns
    recording = run(f"import os, pty\n{makes}\n", schedule=schedule)
    refused, *_ = recording.of(Refused)  # pty.fork tries it in two ways
    assert refused.call == "openat"
    assert refused.detail == "of /dev/ptmx, for a terminal of its own, pty(7)"
    first, second = causes(recording)
    assert (first.id, second.id) == ("forbidden-call", "uncaught-exception")


@pytest.mark.usefixtures("either")
def test_folders_of_others_cannot_be_listed(run: Run, tmp_path: Path) -> None:
    """Nor can what lies in them be found by a link in one's own."""
    other = tmp_path.parent / "other"
    other.mkdir(exist_ok=True)
    (other / "exercise1.py").touch()
    recording = run(
        f"""
        import os
        os.symlink({str(other)!r}, "link")
        for folder in ("/", "/tmp", "/home", {str(other)!r}, "link", ".."):
            try:
                os.listdir(folder)
                print(folder)
            except (PermissionError, FileNotFoundError):
                pass
        for attack in (
            lambda: os.link("link/exercise1.py", "stolen.py"),
            lambda: os.rename("link/exercise1.py", "stolen.py"),
            lambda: os.rename("program.py", "link/planted.py"),
            lambda: os.unlink("link/exercise1.py"),
            lambda: os.rename("../other", "other"),
            lambda: os.truncate("link/exercise1.py", 5),
        ):
            try:
                attack()
                print("done")
            except OSError:
                pass
        """
    )
    assert recording.output == b""
    assert os.listdir(other) == ["exercise1.py"]


@pytest.mark.usefixtures("either")
def test_what_is_open(run: Run, tmp_path: Path) -> None:
    """Its own folder, what is installed, devices that hold nothing, /proc."""
    recording = run(
        """
        import ctypes, csv, json, os, socket, ssl, subprocess, sys, tempfile
        os.mkdir("a")
        os.makedirs("b/c")
        open("a/file", "w").write("text")
        os.rename("a/file", "b/c/file")
        os.link("b/c/file", "hard")
        os.symlink("hard", "soft")
        os.mkfifo("fifo")
        os.truncate("soft", 2)
        print(open("b/c/file").read())
        with tempfile.TemporaryFile("w") as file, tempfile.TemporaryDirectory() as d:
            file.write(d)
        print(tempfile.gettempdir() == os.getcwd())
        open("/dev/null", "w").write(open("/dev/zero").read(5))
        open("/dev/urandom", "rb").read(5)
        print(open("/dev/tty", "w").isatty())
        print("Name:" in open("/proc/self/status").read())
        print(len(os.listdir("/proc/self/fd")) > 2)
        print(os.path.expanduser("~root") != "~root")
        print(subprocess.check_output("ls -d /usr/lib; echo $((6 * 7))", shell=True))
        other = [sys.executable, "-c", "import random; print(sum(map(int, '42')))"]
        print(subprocess.check_output(other))
        """
    )
    assert recording.root.exit_code == 0
    shown = recording.output.decode().splitlines()
    assert shown == [
        *("te", "True", "True", "True", "True", "True"),
        "b'/usr/lib\\n42\\n'",
        "b'6\\n'",
    ]
    assert recording.of(Refused) == []


FINE = replace(take_turns, name="fine", fine=True)
SHARED = {
    "shared memory": """
        from multiprocessing import resource_tracker, shared_memory
        resource_tracker.register = lambda *_: None
        shared_memory.SharedMemory("NAME", create=True, size=100)
        """,
    "a semaphore": """
        from _multiprocessing import SemLock
        SemLock(1, 1, 1, "/NAME", False)
        """,
    "a file": "open('/dev/shm/NAME', 'w')",
    "a file by a link": """
        import os
        os.symlink("/dev/shm", "link")
        os.close(os.open("link/../shm/NAME", os.O_CREAT | os.O_RDWR))
        os.rename("/dev/shm/NAME", "/dev/shm/NAME-2")
        """,
    "a file that had no name": """
        import ctypes, os
        fd = os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR)
        it = b"/proc/self/fd/%d" % fd
        print(ctypes.CDLL(None).linkat(-100, it, -100, b"/dev/shm/NAME", 0x400))
        """,
    "many": """
        import os
        for number in range(99):
            os.close(os.open(f"/dev/shm/NAME-{number}", os.O_CREAT))
        os.kill(os.getpid(), 9)
        """,
}


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("what", SHARED)
@pytest.mark.parametrize("schedule", [take_turns, FINE], ids=["plain", "fine"])
def test_shared_memory_goes_with_its_program(
    run: Run, what: str, schedule: Schedule
) -> None:
    """And nobody else's goes with it."""
    name = f"forklab-test-{os.getpid()}"
    other = Path(f"/dev/shm/{name}-of-another-program")
    other.touch()
    try:
        recording = run(SHARED[what].replace("NAME", name), schedule=schedule)
        left = [entry for entry in os.listdir("/dev/shm") if name in entry]
        assert left == [other.name]
    finally:
        other.unlink()
    assert recording.root.exit_code == (None if what == "many" else 0)


def test_what_lies_around_a_folder(tmp_path: Path) -> None:
    """All that it takes to leave it out, and no more."""
    for name in ("lib/site/grader", "lib/json", "share"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "lib" / "os.py").touch()
    (tmp_path / "lib" / "link").symlink_to(tmp_path / "lib" / "site")
    around = confinement._all_but(str(tmp_path), tmp_path / "lib" / "site")
    names = {name.removeprefix(str(tmp_path)) for name in around}
    assert names == {"/lib/json", "/lib/os.py", "/share"}


@needs_landlock
def test_forklab_among_the_interpreter_s_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed there too, and all around it is open."""
    closed = confinement.forklab_closed(Path(os.__file__).parent / "json")
    assert closed is not None
    monkeypatch.setattr(launch, "forklab_closed", lambda: closed)
    program = tmp_path / "program.py"
    program.write_text(
        "import os, string, email.header, subprocess\n"
        "os.mkdir('a'), open('b', 'w'), os.rename('b', 'a/b')\n"
        "print(subprocess.check_output('ls -d /usr/lib', shell=True))\n"
        "try: import json\n"
        "except PermissionError: print('closed')\n"
    )
    with Zygote() as own:
        recording = run_alone([str(program)], zygote=own)
    assert recording.output == b"b'/usr/lib\\n'\nclosed\n"


def test_each_rule_is_made_once() -> None:
    """They are made anew for each run."""
    names = [name for name, _ in confinement.common_rules()]
    assert len(names) == len(set(names)) > 10


def test_forklab_elsewhere() -> None:
    """There is nothing to be closed where nothing is open."""
    assert confinement.forklab_closed(Path("/srv/forklab")) is None


# --- processes ----------------------------------------------------------------

REACHING = {
    "kill the zygote": "os.kill(zygote, 9)",
    "kill the tracer": "os.kill(tracer, 9)",
    "kill the tracer's thread": "libc.syscall(200, tracer, 9) and failed()",
    "signal by a pidfd": "signal.pidfd_send_signal(os.pidfd_open(tracer), 9)",
    "kill everybody": "os.kill(-1, 9)",
    "kill the zygote's group": "os.killpg(os.getpgid(zygote), 9)",
    "join the zygote's group": "os.setpgid(0, os.getpgid(zygote))",
    "put a child into the zygote's group": "os.setpgid(child(), os.getpgid(zygote))",
    "have the zygote signalled": "fcntl.fcntl(0, fcntl.F_SETOWN, zygote)",
    "the same by ioctl": "fcntl.ioctl(there, 0x8901, struct.pack('i', zygote))",
    "give the zygote the terminal": "os.tcsetpgrp(0, os.getpgid(zygote))",
    "type": "fcntl.ioctl(0, 0x5412, b'x')",
    "slow all of the user's down": "os.setpriority(os.PRIO_USER, 0, 19)",
    "slow the tracer down": "os.setpriority(os.PRIO_PROCESS, tracer, 19)",
    "move the tracer": "os.sched_setaffinity(tracer, {0})",
    "limit the tracer": "resource.prlimit(tracer, resource.RLIMIT_NOFILE, (9, 9))",
    "trace the tracer": "libc.ptrace(16, tracer, 0, 0) and failed()",
    "take a descriptor": "libc.syscall(438, os.pidfd_open(tracer), 1) and failed()",
}


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("what", REACHING)
def test_processes_of_others(run: Run, zygote: Zygote, what: str) -> None:
    """They are not touched, and the attempt is told."""
    recording = run(
        f"""
        import ctypes, fcntl, os, resource, signal, socket, struct
        zygote, tracer = {zygote.pid}, {os.getpid()}
        libc = ctypes.CDLL(None, use_errno=True)
        here, there = socket.socketpair()
        def failed():
            raise OSError(ctypes.get_errno(), "failed")
        def child():
            return os.fork() or signal.pause()
        try:
            {REACHING[what]}
            print("done")
        except OSError as error:
            print("refused")
        """
    )
    assert recording.output == b"refused\n"
    assert len(recording.of(Refused)) == 1


@pytest.mark.usefixtures("either")
def test_numbers_that_no_process_has(run: Run) -> None:
    """The kernel says that of them, and the tracer does not stumble over one."""
    recording = run(
        """
        import ctypes, socket
        libc = ctypes.CDLL(None)
        here, _ = socket.socketpair()
        room = (ctypes.c_ulong * 9)(*[(1 << 64) - 1] * 9)
        for odd in (-1, -(1 << 31), 1 << 31, (1 << 32) - 1, (1 << 63) - 1, 1 << 22):
            number = ctypes.c_long(odd)
            libc.syscall(109, 0, number)  # setpgid
            libc.syscall(109, number, number)
            libc.syscall(141, 1, number, 5)  # setpriority
            libc.syscall(203, number, 8, room)  # sched_setaffinity
            libc.syscall(251, 2, number, 0)  # ioprio_set
            for pointer in (number, room):
                libc.ioctl(0, ctypes.c_ulong(0x5410), pointer)
                libc.bind(here.fileno(), pointer, number)
                libc.connect(here.fileno(), pointer, number)
                libc.sendmsg(here.fileno(), pointer, 0)
                libc.sendto(here.fileno(), room, 1, 0, pointer, number)
            libc.listen(number, 1)
        print("goes on")
        """
    )
    assert recording.output == b"goes on\n"


@pytest.mark.usefixtures("either")
def test_its_own_processes_are_its_own(run: Run) -> None:
    """Job control, priorities and signals among them are as ever."""
    recording = run(
        """
        import os, signal
        child = os.fork()
        if child == 0:
            signal.pause()
        os.setpgid(child, child)
        os.tcsetpgrp(0, child)
        print(os.tcgetpgrp(0) == child)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpgrp())
        os.setpriority(os.PRIO_PROCESS, child, 5)
        os.setpriority(os.PRIO_PGRP, child, 6)
        os.setpriority(os.PRIO_PROCESS, 0, 7)
        os.sched_setaffinity(child, os.sched_getaffinity(0))
        os.killpg(child, signal.SIGTERM)
        print(os.waitpid(child, 0)[1])
        signal.signal(signal.SIGUSR1, lambda *_: print("own group"))
        os.kill(0, signal.SIGUSR1)
        """
    )
    assert recording.output == b"True\n15\nown group\n"
    assert recording.of(Refused) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities")
def test_root_without_capabilities(run: Run) -> None:
    """Neither has what root's program executes any: capabilities(7)."""
    recording = run(
        """
        import os, subprocess
        print(os.getuid())
        show = "grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status | cut -f2 | sort -u"
        subprocess.run(show, shell=True)
        for forbidden in (
            lambda: os.setuid(1),
            lambda: os.chown("program.py", 1, 1),
            lambda: os.mknod("null", 0o020666, os.makedev(1, 3)),
            lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
        ):
            try:
                forbidden()
                print("done")
            except OSError:
                pass
        """
    )
    assert recording.output.split() == [b"0", b"0" * 16]


# --- sockets ------------------------------------------------------------------


@pytest.mark.usefixtures("either")
def test_the_network_ends_at_this_machine(run: Run) -> None:
    """Every way to send something to another one is refused."""
    recording = run(
        """
        import socket
        far = [("192.0.2.1", 80), ("8.8.8.8", 53)]
        ways = [
            lambda: socket.socket().connect(far[0]),
            lambda: socket.socket(type=socket.SOCK_DGRAM).connect(far[1]),
            lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", far[1]),
            lambda: socket.socket(type=socket.SOCK_DGRAM).sendmsg(
                [b"x"], [], 0, far[1]
            ),
            lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
            lambda: socket.socket(socket.AF_INET6).connect(("::ffff:8.8.8.8", 80)),
            lambda: socket.socket().bind(("192.0.2.1", 0)),
            lambda: socket.socket().listen(),
            lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
            lambda: socket.socket(socket.AF_VSOCK),
        ]
        for way in ways:
            try:
                way()
                print("done")
            except OSError as error:
                print(error.errno)
        """
    )
    assert recording.output.split() == [b"1"] * 8 + [b"97"] * 2
    assert len(recording.of(Refused)) == 10


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    ("family", "host", "bound"),
    [
        ("AF_INET", "127.0.0.1", "127.0.0.1"),
        ("AF_INET", "", "127.0.0.1"),
        ("AF_INET6", "::1", "::1"),
        ("AF_INET6", "::", "::1"),
    ],
)
def test_a_server_on_this_machine(run: Run, family: str, host: str, bound: str) -> None:
    """One that is for all addresses is for this machine's."""
    if family == "AF_INET6" and not _has_ipv6():
        pytest.skip("no IPv6 here")
    recording = run(
        f"""
        import os, socket
        server = socket.socket(socket.{family})
        server.bind(({host!r}, 0))
        server.listen()
        address = server.getsockname()
        print(address[0])
        if os.fork() == 0:
            client = socket.socket(socket.{family})
            client.connect(({host or "localhost"!r}, address[1]))
            print(client.recv(5).decode())
            os._exit(0)
        connection, _ = server.accept()
        connection.sendall(b"hello")
        os.wait()
        """
    )
    assert recording.output.decode().split() == [bound, "hello"]
    assert recording.of(Refused) == []


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
def test_a_server_of_another_program(run: Run, kind: str) -> None:
    """A database that trusts this machine's programs does not hear of a submission."""
    with socket.socket(type=getattr(socket, kind)) as server:
        server.bind(("127.0.0.1", 0))
        if kind == "SOCK_STREAM":
            server.listen()
        recording = run(
            f"""
            import socket
            for host in ("127.0.0.1", "0.0.0.0"):
                client = socket.socket(type=socket.{kind})
                try:
                    client.connect((host, {server.getsockname()[1]}))
                    print("done")
                except PermissionError:
                    print("refused")
            """
        )
    assert recording.output == b"refused\n" * 2


@pytest.mark.usefixtures("either")
def test_datagrams_within_a_program(run: Run) -> None:
    """Each of its own sockets can be sent to."""
    recording = run(
        """
        import socket
        here, there = (socket.socket(type=socket.SOCK_DGRAM) for _ in "12")
        here.bind(("", 0))
        there.sendto(b"hello", here.getsockname())
        data, sender = here.recvfrom(9)
        here.sendto(data.upper(), sender)
        print(data, there.recv(9))
        """
    )
    assert recording.output == b"b'hello' b'HELLO'\n"
    assert recording.of(Refused) == []


@pytest.mark.usefixtures("either")
def test_an_address_that_cannot_be_changed(run: Run) -> None:
    """Where a server for all addresses cannot be made one for this machine."""
    recording = run(
        """
        import ctypes, mmap, socket, struct
        libc = ctypes.CDLL(None, use_errno=True)
        page = mmap.mmap(-1, 4096)
        page.write(struct.pack("=HH4s8s", socket.AF_INET, 0, bytes(4), bytes(8)))
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        libc.mprotect(ctypes.c_void_p(address), 4096, mmap.PROT_READ)
        server = socket.socket()
        print(libc.bind(server.fileno(), ctypes.c_void_p(address), 16))
        """
    )
    assert recording.output == b"-1\n"
    assert len(recording.of(Refused)) == 1


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.usefixtures("either")
def test_a_program_that_needs_no_network_has_none(run: Run) -> None:
    """Sockets that lead nowhere else are no network."""
    recording = run(
        """
        import socket
        here, there = socket.socketpair()
        here.send(b"x")
        print(there.recv(1))
        try:
            socket.socket()
        except PermissionError:
            print("refused")
        """,
        loopback=False,
    )
    assert recording.output == b"b'x'\nrefused\n"
    assert len(recording.of(Refused)) == 1


@pytest.fixture
def daemons() -> Iterator[list[str | bytes]]:
    """Two sockets of another program: one in a folder, one that has only a name."""
    name = b"\0forklab-test-%d" % os.getpid()
    with (
        # A socket's path has no more than 107 bytes.
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        socket.socket(socket.AF_UNIX) as one,
        socket.socket(socket.AF_UNIX) as two,
    ):
        path = os.path.join(folder, "daemon")
        one.bind(path)
        two.bind(name)
        one.listen()
        two.listen()
        yield [path, name]


@pytest.mark.usefixtures("either")
def test_sockets_of_other_programs(run: Run, daemons: list[str | bytes]) -> None:
    """A daemon that obeys its user does not hear of a submission: unix(7)."""
    recording = run(
        f"""
        import os, socket
        path, name = {daemons!r}
        os.symlink(path, "link")
        os.symlink(f"/proc/self/root{{path}}", "around")
        for address in (path, name, "link", "around", f"/proc/self/root{{path}}"):
            try:
                socket.socket(socket.AF_UNIX).connect(address)
                print("done")
            except PermissionError:
                pass
        for own in ("own", b"\\0own-%d" % os.getpid()):
            server, client = (socket.socket(socket.AF_UNIX) for _ in "12")
            server.bind(own)
            server.listen()
            client.connect(own)
            client.send(b"hello\\n")
            print(server.accept()[0].recv(9).decode(), end="")
        """
    )
    assert recording.output == b"hello\nhello\n"


# --- as an ordinary user ------------------------------------------------------

NOBODY = 65534


@pytest.fixture
def all_can_enter() -> Iterator[Path]:
    """A folder of its own: pytest closes its own ones to others, again and again."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_all_of_this_as_an_ordinary_user(all_can_enter: Path) -> None:
    """With a home of its own, and no right to anything of root's."""
    version = f"python3.{sys.version_info.minor}"
    pythons = (sys.executable, *(f"/usr/{at}bin/{version}" for at in ("", "local/")))
    python = next((one for one in pythons if _can_be_read(Path(one))), None)
    if python is None:
        pytest.skip("this Python lies in a folder of root's, and there is no other")
    kit = all_can_enter / "kit"
    leave_out = shutil.ignore_patterns("__pycache__")
    for part in ("grader", "exercises", "solutions", "tests"):
        shutil.copytree(KIT / part, kit / part, ignore=leave_out)
    for package in ("pytest", "pluggy", "iniconfig", "packaging"):
        for file in metadata.files(package) or ():
            if file.suffix == ".py":
                (kit / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), kit / file)
    home = all_can_enter / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    here = kit / Path(__file__).relative_to(KIT)
    own = here, here.with_name("test_keeping.py")
    tests = subprocess.run(
        [python, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, own)],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd=kit,
        env={
            "PATH": os.defpath,
            "HOME": str(home),
            "TMPDIR": str(home),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout + tests.stderr


def _can_be_read(path: Path) -> bool:
    """By everybody."""
    try:
        real = path.resolve(strict=True)
    except OSError:
        return False
    return all(place.stat().st_mode & 0o005 == 0o005 for place in (real, *real.parents))
