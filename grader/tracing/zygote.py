"""The clean interpreter that submissions are forked from.

Theory of operation. `launch` starts this module in a fresh interpreter, without
site packages, without environment, in a session of its own. It answers requests on
one socket: each is a program to run, with its standard streams as passed
descriptors. For each the zygote forks; the child makes itself a stranger (no other
descriptor, limits, filter), waits for a byte that says that the tracer holds it, and
becomes the submission. It never returns into `serve`. What its programs import first,
see `preloading`, it has imported for all of them.

The zygote leads the session, as a shell does: the terminal of a program is its
controlling terminal until the `sweep`, and stays when the program's first process
ends and others go on.

Orphans of a submission become children of the zygote; `sweep` ends them.

Every page that a fork touches is copied, and that is most of what a short run
costs. So this module imports as little as it can; all that can be made before the
fork is made there (`_made_ready`), where its pages are copied once, and where the next
run of the same program finds it; and `_leave` ends a program as the interpreter would,
in the same order, without taking the interpreter apart.

Nothing in this process is secret: a submission can look at every object of it.
"""

from __future__ import annotations

import _imp
import _signal  # type: ignore[import-not-found]  # not public
import _socket
import array
import atexit
import builtins
import errno
import fcntl
import gc
import io
import marshal
import os
import resource
import signal
import sys
import termios
import time
from _sitebuiltins import Quitter, _Helper
from contextlib import suppress

from grader.tracing import ptrace, timepage

TYPE_CHECKING = False  # typing itself is too large to import here
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, TracebackType
    from typing import NoReturn

SWEEP = ("sweep",)
PLACES = ("places",)

# Where a program is given, beside its standard streams, what it starts with: what it
# waits at, the page of its clock, and the rules that Landlock is to keep it to.
_GATE, _CLOCK, _RULES = 3, 4, 5
_GIVEN = range(_RULES + 1)

# How many times the oldest objects were collected before the zygote was ready.
_collections = 0

# Where Yama does not restrict ptrace(2), nothing has to be permitted.
_YAMA = os.path.exists("/proc/sys/kernel/yama/ptrace_scope")

# What `serve` is asked for: the file, the argument list, whether it is a Python
# program, the folder to run in, whether standard input is to be its controlling
# terminal, the tracer's pid, limits as arguments of setrlimit(2), whether it is to
# stop more finely, as `Schedule.fine` says, what the file is compiled to, as `compiled`
# makes it, or nothing, what Landlock keeps it to, as `confinement.domain` says, and
# whether the tracer keeps it to its files.
Rule = tuple[str, int]
Domain = tuple[int, int, int, list[Rule]]
Job = tuple[
    str,
    list[str],
    bool,
    str,
    bool,
    int,
    list[tuple[int, int]],
    bool,
    bytes,
    Domain | None,
    bool,
]


# Where its programs read virtual time; 0 where they make a call for it.
_time_page = 0

# Where its programs look for modules after their own folder.
_search_path: list[str] = []

# What a program was compiled to, its name, and the code.
_last_loaded: tuple[bytes, str, CodeType] | None = None

# What its standard streams were like when they were opened.
_opened: list[tuple[int, bool, bool]] = []

# What Landlock lets every program use, as the kernel takes it.
_common: list[bytes] = []


def serve(
    control: int,
    filters: list[bytes],
    clock: list[bytes],
    rules: bytes,
    imports: list[str],
) -> Callable[[], None]:
    """Answer requests; returns, in a forked child only, the program to run.

    `clock` is what `timepage.answer_looks` takes. `rules` are what Landlock lets every
    program use, a list of `Rule`, and what keeps this process and them from forklab's
    own files, a `Domain` or nothing. `imports` are the modules that they import first.
    """
    global _collections, _time_page
    control = _out_of_the_way(control)
    null = _out_of_the_way(os.open(os.devnull, os.O_RDWR))
    _give_nothing(null)
    # It is traced no more, and may outlive the thread that made it.
    ptrace.end_with_parent(0)
    # What a submission, and what it executes, must not have, nor inherit from here.
    ptrace.drop_capabilities()
    ptrace.give_up_privileges()
    common, closed = marshal.loads(rules)
    if closed is not None:
        ruleset = _ruleset(closed)
        ptrace.restrict_self(ruleset)
        os.close(ruleset)
    for name, rights in common:
        with suppress(OSError):  # it went away since, or is closed to us
            opened = os.open(name, os.O_PATH | os.O_CLOEXEC)
            _common.append(ptrace.rule_beneath(opened, rights))
    # Sent when a terminal goes, to its session's leader and the foreground group.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ptrace.adopt_orphans()
    ptrace.hide_memory()
    ptrace.take_small_pages()
    ptrace.share_one_heap()
    with suppress(OSError):
        _time_page = timepage.answer_looks(*clock)
    places = ptrace.interpreter_state(), id(type(serve.__code__))
    _add_site_builtins()
    # No submission is to find these; they live on in the frames that run.
    own = [sys.modules.pop(n) for n in list(sys.modules) if n.startswith("grader")]
    assert own
    for module in imports:
        with suppress(ImportError):  # which the program is to find out itself
            __import__(module)
    # The first use of the compiler makes some hundred types, which takes longer than
    # all else that a child does before it is the submission.
    compile("pass", "<warm-up>", "exec")
    _search_path[:] = sys.path
    os.umask(0o022)
    gc.collect()
    _collections = gc.get_stats()[2]["collections"]
    connection = _socket.socket(fileno=control)
    while True:
        request, descriptors = _receive(connection)
        if not request:
            os._exit(0)
        # Who asks may end before the answer comes, and somebody else asks next.
        number, job = marshal.loads(request)
        if job == SWEEP:
            count = sweep()
            _give_up_terminal()
            connection.send(marshal.dumps((number, count)))
            continue
        if job == PLACES:
            connection.send(marshal.dumps((number, places)))
            continue
        terminal = job[4]
        try:
            if terminal:
                fcntl.ioctl(descriptors[0], termios.TIOCSCTTY, 0)
            start = _made_ready(job, descriptors)
            gc.freeze()  # a collection in a child would copy every page it looks at
            # The child must be open to its tracer; we are to be closed to the child.
            ptrace.hide_memory(hidden=False)
            answer: int | str = os.fork()
        except OSError as error:
            answer = str(error)
        if answer == 0:
            # In the order in which `launch` makes them.
            become(job, start, filters[job[7] + 2 * job[10]])
            connection.detach()  # what it was is closed already
            return start
        ptrace.hide_memory()
        _give_nothing(null)
        if isinstance(answer, int):
            os.setpgid(answer, answer)  # it does nothing yet
            if terminal:
                os.tcsetpgrp(descriptors[0], answer)
        connection.send(marshal.dumps((number, answer)))
        for descriptor in descriptors:
            os.close(descriptor)


def _out_of_the_way(descriptor: int) -> int:
    """The same, where no program is given anything."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _GIVEN.stop)
    os.close(descriptor)
    return moved


def _give_nothing(null: int) -> None:
    """Take the places of what programs are given, so that nothing else does."""
    for place in _GIVEN:
        os.dup2(null, place, inheritable=place <= 2)


def _give_up_terminal() -> None:
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return  # the last program had none
    fcntl.ioctl(terminal, termios.TIOCNOTTY)
    os.close(terminal)


def _receive(connection: _socket.socket) -> tuple[bytes, list[int]]:
    descriptors = array.array("i")
    size = 5 * descriptors.itemsize
    message, ancillary, _, _ = connection.recvmsg(1 << 16, _socket.CMSG_SPACE(size))
    for level, kind, data in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            descriptors.frombytes(data)
    return message, list(descriptors)


def sweep() -> int:
    """Kill and reap all children of this process; how many there were."""
    count = 0
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return count
        if pid:
            count += 1
            continue
        with open("/proc/thread-self/children") as listing:
            for child in listing.read().split():
                os.kill(int(child), signal.SIGKILL)
        time.sleep(0.0005)


def _made_ready(job: Job, descriptors: list[int]) -> Callable[[], None]:
    """Make in this process what the submission is to find; what runs it.

    Of what was made for the run before, all that fits is left as it is: it is only
    ever used in a fork.
    """
    path, argv, python, directory, _, _, _, _, code, domain, _ = job
    os.chdir(directory)
    os.environ["TMPDIR"] = directory
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place, inheritable=place <= 2)
    if domain is not None:
        ruleset = _ruleset(domain)
        os.dup2(ruleset, _RULES, inheritable=False)
        os.close(ruleset)
    if not python:
        return _executed(path, argv)
    _open_standard_streams()
    return _PythonProgram(path, argv, code)


def become(job: Job, start: Callable[[], None], filter_program: bytes) -> None:
    """Turn this fork into the submission, up to its first instruction.

    What goes wrong before the tracer lets it go is told through the gate: it is no
    doing of the program's.
    """
    _, _, _, _, _, tracer, limits, fine, _, domain, _ = job
    told_to = _GATE
    try:
        # Not as `signal` has it, which makes a member of an enumeration of each.
        _signal.signal(_signal.SIGHUP, _signal.SIG_DFL)
        os.closerange(_GIVEN.stop, 1 << 16)
        for which, value in limits:
            resource.setrlimit(which, (value, value))
        if _YAMA:
            ptrace.permit_tracer(tracer)
        if not os.read(_GATE, 1):
            os._exit(126)  # the tracer is gone
        os.close(_GATE)
        told_to = 2
        if fine:
            _make_way_before_pause()
        if isinstance(start, _PythonProgram):
            start.compile()
        # Only now, so that what came before took no virtual time.
        if _time_page:
            timepage.read_time_from(_CLOCK, _time_page)
        os.close(_CLOCK)
        _remember_this_process()
        if domain is not None:
            ptrace.restrict_self(_RULES)
        os.close(_RULES)
        ptrace.install_filter(filter_program)
    except BaseException as error:
        os.write(told_to, f"forklab: cannot start the program: {error}\n".encode())
        os._exit(126)


def _ruleset(domain: Domain) -> int:
    """A descriptor of all rules of a run, landlock(7)."""
    files, ports, scopes, rules = domain
    ruleset = ptrace.create_ruleset(files, ports, scopes)
    ptrace.add_rules(ruleset, _common)
    for name, rights in rules:
        with suppress(FileNotFoundError):
            descriptor = os.open(name, os.O_PATH | os.O_CLOEXEC)
            ptrace.add_rules(ruleset, [ptrace.rule_beneath(descriptor, rights)])
            os.close(descriptor)
    return ruleset


def _make_way_before_pause() -> None:
    """Let others run just before a program pauses, and its handlers after them.

    A signal that comes between a program's last look and pause(2) is lost on it. The
    interpreter runs a handler between two instructions only, and has none there.
    """
    wait, make_way = signal.pause, os.sched_yield

    def pause() -> None:
        make_way()
        wait()

    signal.pause = pause


def _executed(path: str, argv: list[str]) -> Callable[[], None]:
    def execute() -> None:
        try:
            os.execv(path, argv)
        except OSError as error:
            os.write(2, f"{path}: {os.strerror(error.errno or 0)}\n".encode())
            os._exit(127 if error.errno == errno.ENOENT else 126)

    return execute


def compiled(source: bytes, name: str) -> bytes:
    """What a program is compiled to, for `Job`; nothing where that cannot be done."""
    try:
        code = compile(source, name, "exec", dont_inherit=True, optimize=0)
        return marshal.dumps(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return b""  # the program is to find that out itself


class _PythonProgram:
    """What ``python argv[0] argv[1] ...`` does, in this interpreter."""

    def __init__(self, path: str, argv: list[str], compiled: bytes) -> None:
        """Set up the interpreter for it, as far as that is the same in all runs."""
        sys.argv[:] = argv
        sys.orig_argv[:] = [sys.executable, *argv]
        sys.path[:] = [os.path.dirname(path), *_search_path]
        self._path = path
        self._variables = _fresh_main(path)
        self._code = _loaded(compiled, argv[0]) if compiled else None
        self._problem: BaseException | None = None

    def compile(self) -> None:
        """Compile it, where nobody else has done so: before the filter is there.

        In the fork: what does not compile may do harm to who tries.
        """
        if self._code is not None:
            return
        try:
            with io.open_code(self._path) as file:
                source = file.read()
            self._code = compile(source, sys.argv[0], "exec", dont_inherit=True)
        except BaseException as error:
            self._problem = error

    def __call__(self) -> None:
        status = 0
        try:
            if self._code is None:
                raise self._problem or RuntimeError("nothing to run")
            exec(self._code, self._variables)
        except SystemExit as leaving:
            if not isinstance(leaving.code, int | None):
                raise
            status = leaving.code or 0
        except BaseException:
            _hide_own_frames(self._variables)
            raise
        _leave(self._variables, status)


def _fresh_main(path: str) -> dict[str, object]:
    """The variables of a new ``__main__``."""
    main = type(sys)("__main__")
    main.__dict__.update(
        __file__=path, __builtins__=builtins, __annotations__={}, __cached__=None
    )
    sys.modules["__main__"] = main
    return main.__dict__


def _loaded(compiled: bytes, name: str) -> CodeType:
    """The program's code, which this process loads once and never runs."""
    global _last_loaded
    if _last_loaded is None or _last_loaded[:2] != (compiled, name):
        code = marshal.loads(compiled)
        # What importlib does with a cached module that was moved.
        _imp._fix_co_filename(code, name)  # type: ignore[attr-defined]  # not public
        _last_loaded = compiled, name, code
    return _last_loaded[2]


def _remember_this_process() -> None:
    """What modules noted of the process that imported them, let them note of this."""
    if "threading" in sys.modules:
        sys.modules["threading"].main_thread()._set_native_id()
    if "multiprocessing.process" in sys.modules:
        vars(sys.modules["multiprocessing.process"])["ORIGINAL_DIR"] = os.getcwd()
    if "logging" in sys.modules:
        logging = vars(sys.modules["logging"])
        in_nanoseconds = isinstance(logging["_startTime"], int)  # from Python 3.13 on
        logging["_startTime"] = time.time_ns() if in_nanoseconds else time.time()


def _hide_own_frames(theirs: dict[str, object]) -> None:
    """Leave this module out of the traceback that the interpreter is about to print.

    Printing, and choosing how the process ends, stay the interpreter's own.
    """
    shown = sys.excepthook

    def excepthook(
        kind: type[BaseException],
        error: BaseException,
        frames: TracebackType | None,
    ) -> None:
        while frames and frames.tb_frame.f_globals is not theirs:
            frames = frames.tb_next
        shown(kind, error.with_traceback(frames), frames)

    sys.excepthook = excepthook


def _leave(variables: dict[str, object], status: int) -> NoReturn:
    """End a program that came to its end: what ``Py_FinalizeEx`` does, in its order.

    Threads are joined, exit functions run, buffers are flushed, and the program's
    own variables destroyed, which flushes and closes its files.
    """
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()
    atexit._run_exitfuncs()
    failed = not _flush()
    for hidden in (True, False):
        for name in list(variables):
            private = name[:1] == "_" and name[1:2] != "_"
            if name != "__builtins__" and private is hidden:
                variables[name] = None
    # What was made before the fork is frozen; what is old since then is rarely there,
    # and to look for it costs as much as a short program.
    young = gc.get_count()[2] == 0 and gc.get_stats()[2]["collections"] == _collections
    gc.collect(1 if young else 2)
    failed = not _flush() or failed
    os._exit(120 if failed else status & 0xFF)


def _flush() -> bool:
    """Flush standard output and error; whether that went well."""
    good = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException:
            if stream is sys.stdout:
                _report_unraisable(stream)
                good = False
    return good


def _report_unraisable(stream: object) -> None:
    """Print "Exception ignored in: ..." as the interpreter does for a failed flush."""
    error = sys.exc_info()[1]
    print(f"Exception ignored in: {stream!r}", file=sys.__stderr__)
    print(f"{type(error).__name__}: {error}", file=sys.__stderr__)


def _add_site_builtins() -> None:
    """What `site` adds: programs use ``exit`` as if it were part of the language."""
    end = "Ctrl-D (i.e. EOF)"
    vars(builtins).update(
        quit=Quitter("quit", end), exit=Quitter("exit", end), help=_Helper()
    )


def _open_standard_streams() -> None:
    """Make sys.stdin, stdout and stderr as a starting interpreter does.

    Where the last ones were made for files of the same kind, they will do.
    """
    global _opened
    kinds = [_kind_of_file(fd) for fd in (0, 1, 2)]
    if kinds == _opened:
        return
    _opened = kinds
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        raw = io.FileIO(fd, mode, closefd=False)
        raw.name = f"<{name}>"
        size, is_terminal, _ = kinds[fd]
        stream = io.TextIOWrapper(
            io.BufferedReader(raw, size) if fd == 0 else io.BufferedWriter(raw, size),
            encoding=encoding,
            errors="backslashreplace" if fd == 2 else errors,
            newline="\n" if mode == "w" else None,
            line_buffering=fd == 2 or is_terminal,
        )
        vars(stream)["mode"] = mode
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _kind_of_file(fd: int) -> tuple[int, bool, bool]:
    """The size of its blocks, whether it is a terminal, whether it can seek."""
    try:
        os.lseek(fd, 0, os.SEEK_CUR)
        can_seek = True
    except OSError:
        can_seek = False
    return max(os.fstat(fd).st_blksize, 1), os.isatty(fd), can_seek
