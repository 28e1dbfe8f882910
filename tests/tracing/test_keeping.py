"""Where the tracer alone keeps a program to its files: names, links and races."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from grader.tracing import ptrace
from grader.tracing.calls import files, keeping
from grader.tracing.calls.handler import Tracing
from grader.tracing.launch import Zygote
from grader.tracing.program import run as run_alone
from grader.tracing.recording import Executed, Recording, Refused
from grader.tracing.resolving import name_at
from grader.tracing.schedule import Schedule, take_turns
from grader.tracing.tracee import Call, Thread
from tests.conftest import Run, needs_landlock

SOLUTIONS = Path(__file__).parents[2] / "solutions"
FINE = replace(take_turns, name="fine", fine=True)
SECRET = "what nobody may read"

kept_by_the_tracer = pytest.mark.usefixtures("without_landlock")


@pytest.fixture
def secret() -> Iterator[Path]:
    """A file that is not the program's."""
    with tempfile.TemporaryDirectory(prefix="forklab-test-") as folder:
        file = Path(folder, "secret")
        file.write_text(SECRET)
        yield file


# --- names --------------------------------------------------------------------

# Opens names at random, but for reading and writing.
OPENS = """
import os, random, sys
chosen = random.Random(int(sys.argv[1]))
os.makedirs("a/b/c")
os.symlink("a/b", "down")
os.symlink("..", "a/b/up")
os.symlink("/proc/self/cwd", "here")
os.symlink("down/c", "a/two")
os.symlink("nowhere", "dangling")
os.symlink("round", "round")
os.symlink("/usr/lib", "far")
os.symlink(os.getcwd() + "/a", b"\\xff\\xfe")
open("file", "w").close()
folder = os.open("a/b", os.O_PATH)
parts = [
    *(b"a", b"b", b"c", b"..", b".", b"", b"down", b"up", b"two", b"here", b"file"),
    *(b"far", b"\\xff\\xfe", b"dangling", b"round"),
]
starts = [
    *(b"", b"", b"/proc/self/cwd/", b"/proc/thread-self/cwd/", b"/", b"//"),
    *(b"/proc/%d/root/" % os.getpid(), os.getcwdb() + b"/", b"/proc/self/"),
    *(b"/proc/self/task/../fd/%d/" % folder, b"/dev/fd/%d/" % folder, b"/dev/shm/../"),
]
count = 0
for _ in range(800):
    some = chosen.choices(parts, k=chosen.randint(1, 4))
    name = chosen.choice(starts) + b"/".join(some)
    flags = os.O_PATH | chosen.choice((0, 0, os.O_NOFOLLOW, os.O_DIRECTORY))
    try:
        fd = os.open(name, flags, dir_fd=chosen.choice((None, folder)))
    except OSError:
        continue
    count += 1
    os.close(fd)
print(count)
"""


@kept_by_the_tracer
@pytest.mark.parametrize("seed", range(4))
def test_a_name_leads_where_the_kernel_finds_it(
    run: Run, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over links, through /proc and from open folders, in however odd a way."""
    wrong: list[tuple[bytes, str, str]] = []
    compared = 0

    def compare(tracing: Tracing, thread: Thread, call: Call, fd: int) -> bool:
        nonlocal compared
        compared += 1
        found = os.readlink(f"/proc/{thread.tid}/fd/{fd}")
        if found != call.place:
            name = name_at(thread, call.arguments[1])
            wrong.append((name, call.place, found))
        return False

    monkeypatch.setattr(files, "slipped", compare)
    recording = run(OPENS, str(seed))
    assert recording.errors == b""
    assert wrong == []
    assert compared >= int(recording.output) > 40


@kept_by_the_tracer
def test_threads_may_be_in_other_folders(run: Run, secret: Path) -> None:
    """And have other descriptors: unshare(2) is refused, clone(2) is not."""
    recording = run(
        f"""
        import os, threading
        os.mkdir("own")
        open("own/secret", "w").write("own")
        outside = os.open({str(secret.parent)!r}, os.O_PATH)
        def look():
            os.fchdir(outside)
            for way in ("secret", "/proc/thread-self/cwd/secret", "./secret"):
                try:
                    print(open(way).read())
                except PermissionError:
                    print("closed")
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        """
    )
    assert recording.output == b"closed\n" * 3


@pytest.mark.usefixtures("either")
def test_what_is_missing_is_told_as_missing(run: Run, secret: Path) -> None:
    """Libraries look for files that are not there, and go on without them."""
    recording = run(
        f"""
        import os
        outside = {str(secret.parent)!r}
        def tell(attack):
            try:
                attack()
                print("done")
            except OSError as error:
                print(type(error).__name__)
        os.mkdir("own")
        tell(lambda: open(outside + "/nothing"))
        tell(lambda: open("/nonexistent/.config"))
        tell(lambda: open(outside + "/secret/x"))
        tell(lambda: os.unlink(outside + "/nothing"))
        tell(lambda: os.listdir("/nonexistent"))
        tell(lambda: os.mkdir(outside))
        tell(lambda: os.mkdir(outside + "/nothing/more"))
        tell(lambda: os.execv(outside + "/nothing", ["x"]))
        tell(lambda: open("own/nothing"))
        tell(lambda: open(""))
        tell(lambda: os.mkdir("own"))
        tell(lambda: open(outside + "/secret", "x"))
        tell(lambda: open(outside + "/secret"))
        tell(lambda: open(outside + "/new", "w"))
        tell(lambda: os.mkdir(outside + "/new"))
        tell(lambda: os.execv(outside + "/secret", ["x"]))
        """
    )
    assert recording.output.decode().split() == [
        *("FileNotFoundError", "FileNotFoundError", "NotADirectoryError"),
        *("FileNotFoundError", "FileNotFoundError", "FileExistsError"),
        *("FileNotFoundError", "FileNotFoundError", "FileNotFoundError"),
        *("FileNotFoundError", "FileExistsError", "FileExistsError"),
        *["PermissionError"] * 4,
    ]
    assert recording.of(Refused) == []


@pytest.mark.usefixtures("either")
def test_the_program_s_folder_is_known_by_another_name(
    tmp_path: Path, zygote: Zygote
) -> None:
    """Which leads there over a link."""
    (tmp_path / "own").mkdir()
    (tmp_path / "link").symlink_to("own")
    program = tmp_path / "own" / "program.py"
    program.write_text(
        "import os, tempfile\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    open(folder + '/file', 'w').write('x')\n"
        "    os.chmod(folder + '/file', 0o600)\n"
        "os.mkdir(os.path.dirname(__file__) + '/made')\n"
    )
    link = tmp_path / "link"
    recording = run_alone(
        [str(link / "program.py")], zygote=zygote, directory=link, stdout="pipe"
    )
    assert recording.errors == b""
    assert recording.root.exit_code == 0


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("stdout", ["terminal", "pipe"])
def test_standard_streams_by_their_names(run: Run, stdout: str) -> None:
    """Which are links in /dev, to links in /proc."""
    recording = run(
        """
        import os, subprocess
        for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/stderr"):
            with open(name, "w") as stream:
                stream.write("written\\n")
        said = "echo said > /dev/stderr; echo said | tee /dev/stdout"
        subprocess.run(said, shell=True)
        """,
        stdout=stdout,
    )
    said = recording.output + recording.errors
    assert said.count(b"written\n") == 4
    assert said.count(b"said\n") == 3


# --- what Landlock does not know of ----------------------------------------------


@pytest.mark.usefixtures("either")
def test_rights_and_times_of_one_s_own_files(run: Run) -> None:
    """They are changed as ever, by name and by descriptor."""
    recording = run(
        """
        import os, shutil, tempfile
        from pathlib import Path
        own = Path("own")
        own.touch()
        own.touch()
        own.chmod(0o640)
        os.chmod(".", 0o755)
        os.utime("own", (1, 2))
        shutil.copy2("own", "copy")
        shutil.copy2("/etc/passwd", "accounts")
        os.symlink("own", "link")
        os.utime("link", (3, 4), follow_symlinks=False)
        os.chmod("link", 0o600)
        with open("own") as file, tempfile.TemporaryFile() as nameless:
            os.fchmod(file.fileno(), 0o644)
            os.utime(file.fileno(), (5, 6))
            os.fchmod(nameless.fileno(), 0o600)
        r, w = os.pipe()
        os.fchmod(r, 0o600)
        os.fchmod(os.memfd_create("memory"), 0o600)
        print(oct(os.stat("copy").st_mode), os.stat("copy").st_mtime)
        """
    )
    assert recording.output == b"0o100640 2.0\n"
    assert recording.of(Refused) == []


@contextmanager
def _daemon(path: str) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        yield


@pytest.mark.usefixtures("either")
def test_a_socket_by_a_way_that_is_the_tracer_s(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What /proc calls self is the program, also when the tracer looks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "daemon").touch()
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        _daemon(f"{folder}/daemon"),
    ):
        recording = run(
            f"""
            import os, socket
            os.chdir({folder!r})
            for name in ("/proc/self/cwd/daemon", "/proc/thread-self/cwd/daemon"):
                try:
                    socket.socket(socket.AF_UNIX).connect(name)
                    print("done")
                except PermissionError:
                    print("refused")
            """
        )
    assert recording.output == b"refused\n" * 2


# --- races --------------------------------------------------------------------


@kept_by_the_tracer
def test_what_was_opened_is_looked_at_again(
    run: Run, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the program deceived the first look, it has nothing of it."""
    monkeypatch.setattr(keeping, "name_at", lambda thread, address: b"/dev/null")
    recording = run(
        f"""
        import os
        child = os.fork()
        if child == 0:
            os.read(0, 1)
        text = os.open({str(secret)!r}, os.O_RDONLY)
        print(os.read(text, 99))
        """
    )
    assert recording.output == b""
    assert recording.ended
    assert [p.ended and p.ended.signal for p in recording.processes] == [9, 9]
    (refused,) = recording.of(Refused)
    assert refused.call == "openat"


@kept_by_the_tracer
def test_what_was_executed_is_looked_at_again(
    run: Run, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its first instruction."""
    shutil.copy("/bin/echo", secret)
    monkeypatch.setattr(keeping, "name_at", lambda thread, address: b"/bin/true")
    recording = run(f"import os\nos.execv({str(secret)!r}, ['echo', 'done'])\n")
    assert recording.output == b""
    assert recording.root.ended
    assert recording.root.ended.signal == 9
    assert len(recording.of(Executed)) == len(recording.of(Refused)) == 1


@kept_by_the_tracer
def test_names_that_another_program_changes(
    run: Run, tmp_path: Path, secret: Path
) -> None:
    """One in shared memory, and a link in a folder of the other's."""
    own = tmp_path / "own"
    own.write_text("own")
    name = f"/dev/shm/forklab-test-{os.getpid()}"
    names = [str(own), str(secret)]
    with _another_program(secret.parent / "link", name, names):
        recording = run(
            f"""
            import ctypes, mmap, os
            libc = ctypes.CDLL(None)
            memory = mmap.mmap(os.open({name!r}, os.O_RDWR), 4096)
            shared = ctypes.c_void_p(
                ctypes.addressof(ctypes.c_char.from_buffer(memory))
            )
            link = {str(secret.parent / "link")!r}.encode()
            for change in (libc.unlink, libc.rmdir, lambda n: libc.truncate(n, 0),
                           lambda n: libc.chmod(n, 0), lambda n: libc.creat(n, 0o600),
                           lambda n: libc.rename(n, b"moved")):
                for name in (shared, link):
                    for _ in range(20):
                        change(name)
            for name in (shared, link) * 30:
                fd = libc.open(name, os.O_RDONLY)
                if fd != -1:
                    print(os.pread(fd, 99, 0).decode())
                    os.close(fd)
            """
        )
    assert set(recording.output.decode().split("\n")) <= {"own", ""}
    assert secret.read_text() == SECRET
    assert own.read_text() == "own"
    assert secret.stat().st_mode & 0o777 == 0o644


CHANGES = """
import mmap, os, sys
link, memory, *names = sys.argv[1:]
with open(memory, "w+b") as file:
    file.truncate(4096)
    memory = mmap.mmap(file.fileno(), 4096)
print("ready", flush=True)
while os.getppid() > 1:
    for name in names:
        memory[: len(name) + 1] = name.encode() + b"\\0"
        os.symlink(name, link + "-new")
        os.rename(link + "-new", link)
"""


@contextmanager
def _another_program(link: Path, memory: str, names: list[str]) -> Iterator[None]:
    """Points a link, and a name in shared memory, now to the one and now the other."""
    words = [sys.executable, "-c", CHANGES, str(link), memory, *names]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout
            assert other.stdout.readline() == b"ready\n"
            yield
        finally:
            other.kill()
            other.wait()
            os.unlink(memory)


@kept_by_the_tracer
def test_who_sleeps_in_the_kernel_sleeps_on(run: Run) -> None:
    """A thread that waits for a lock of fcntl(2), and others that use files."""
    recording = run(
        """
        import fcntl, os, threading
        os.mkfifo("fifo")
        lock = open("lock", "w")
        fcntl.lockf(lock, fcntl.LOCK_EX)
        if os.fork() == 0:
            waits = open("lock", "r+")
            fcntl.lockf(waits, fcntl.LOCK_EX)
            print("locked")
            os._exit(0)
        def reads():
            print(open("fifo").read())
        threads = [threading.Thread(target=reads)]
        threads[0].start()
        for number in range(9):
            os.mkdir(f"folder-{number}")
            os.sched_yield()
        with open("fifo", "w") as fifo:
            fifo.write("hello")
        threads[0].join()
        fcntl.lockf(lock, fcntl.LOCK_UN)
        print(os.wait()[1])
        """
    )
    assert recording.ended
    assert recording.output == b"hello\nlocked\n0\n"


# --- no difference ----------------------------------------------------------------


def _told(recording: Recording) -> str:
    """A recording, with its processes by their order."""
    text = "\n".join(map(repr, (*recording.events, *recording.steps)))
    of_one_run = (
        *(
            r"\b(index|first)=\d+, ",
            r"\btid=\d+",
            r"\b(time|deadline|seconds)=[\d.e-]+",
        ),
        r"(?<=forklab-)\w+(/\w{8}\b)?",  # and what tempfile made in it
        *(r"(?<=/pymp-)\w+", r"(?<=/listener-)\w+"),
        *(r"(?<=:)\[\d+\]", r"(?<=/dev/pts/)\d+", r"data=.*?, count=\d+"),
    )
    # Before the pids: some process may have a number that is among these.
    text = re.sub("|".join(of_one_run), "", text)
    for number, process in enumerate(recording.processes):
        text = re.sub(rf"\b{process.pid}\b", f"process-{number}", text)
    # How often who sleeps on has done so before that is known, may differ by one.
    return "\n".join(dict.fromkeys(text.split("\n")))


@needs_landlock
@pytest.mark.parametrize("schedule", [take_turns, FINE], ids=["plain", "fine"])
@pytest.mark.parametrize(
    "program", sorted(SOLUTIONS.glob("*/right/*.py")), ids=lambda p: p.stem
)
def test_recordings_are_the_same(
    program: Path, schedule: Schedule, zygote: Zygote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell from one whether there was Landlock."""
    told = []
    for version in (ptrace.landlock_version(), 0):
        monkeypatch.setattr(ptrace, "landlock_version", lambda: version)  # noqa: B023
        words = [str(program), *(["2"] if "exercise2" in str(program) else [])]
        told.append(_told(run_alone(words, zygote=zygote, schedule=schedule)))
    assert told[0] == told[1]
