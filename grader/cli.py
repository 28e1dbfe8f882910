"""The words of ``grade``: arguments to calls, and outcomes to exit statuses."""

from __future__ import annotations

import argparse
import difflib
import io
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from grader import __version__, config, ending
from grader.authoring.commands import add_check_course, add_new, check_course, new
from grader.classreport.commands import add_report, report
from grader.commands.completion import add_completion, completion
from grader.commands.grading import add_all, add_exercise, grade_all, grade_one
from grader.commands.learning import (
    add_explain,
    add_hint,
    add_start,
    explain,
    hint,
    list_exercises,
    start,
)
from grader.commands.machine import doctor
from grader.commands.parser import ANY_EXERCISE, Parser
from grader.commands.tracing import add_trace, trace_program
from grader.course.commands import add_course, add_gradebook, course, gradebook
from grader.errors import GraderError, UsageError, with_cure
from grader.integration.commands import add_gradescope
from grader.usage import GRADER_FAILED, WRONG_USAGE, named_path

if TYPE_CHECKING:
    from grader.worker import Worker

_INTERRUPTED = 128 + signal.SIGINT
_NOBODY_READS = 128 + signal.SIGPIPE


def main(argv: Sequence[str] | None = None, worker: Worker | None = None) -> int:
    """Run one command; its exit status.

    `worker` is one for it that gets ready already; the caller ends it.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character shows its number.
            stream.reconfigure(errors="backslashreplace")
    ending.listen()
    parsed = None
    try:
        if not arguments:
            parser("").print_help(sys.stderr)
            return WRONG_USAGE
        parsed = _parsed(arguments)
        parsed.worker = worker
        run: Callable[[argparse.Namespace], int] = parsed.run
        with _course(parsed):
            status = run(parsed)
        sys.stdout.flush()
        return status
    except UsageError as error:
        said = str(error)
        _complain(config.with_place(said, parsed.parser) if parsed else said)
        return WRONG_USAGE
    except KeyboardInterrupt:
        _complain(ending.interrupted())
        return _INTERRUPTED
    except ending.Ended as ended:
        return 128 + ended.number
    except BrokenPipeError:
        # Whoever read our output has gone. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except Exception as error:
        from grader.tracing.errors import TracingError

        if not isinstance(error, GraderError | TracingError | OSError):
            # A mistake of ours: whoever reports it needs the whole story.
            traceback.print_exc()
            error = GraderError(
                f"the grader itself failed ({type(error).__name__}); please report "
                "the lines above"
            )
        if isinstance(error, OSError) and not _is_somewhere():
            _complain("the current folder was removed; `cd` to one that is there")
            return WRONG_USAGE
        _complain(_sentence(error))
        return GRADER_FAILED


def _course(parsed: argparse.Namespace) -> AbstractContextManager[object]:
    """What the command is about while it runs: forklab's own exercises, or others."""
    folder: Path | None = getattr(parsed, "course", None)
    if folder is None:
        if hasattr(parsed, "course") and _holds_a_course(Path()):
            _complain(
                "the course in this folder is not used, but forklab's own; say "
                "--course . to use it"
            )
        return nullcontext()
    from grader.catalog import using

    return using(folder)


def _holds_a_course(folder: Path) -> bool:
    """Whether a course of somebody's own lies there: a student's folder is none."""
    with suppress(OSError):
        if any(folder.glob("exercises/exercise*/exercise.toml")):
            from grader.catalog import own_course

            return not own_course().folder.samefile(folder)
    return False


def _complain(sentence: str) -> None:
    """Say what is wrong; a file's name in it may be anything."""
    from grader.report.text import one_line

    with suppress(OSError):  # nobody hears it; the exit status says it too
        print(f"grade: {one_line(sentence)}", file=sys.stderr, flush=True)


def _is_somewhere() -> bool:
    """Whether there is a current folder: somebody may have removed it."""
    try:
        return bool(os.getcwd())
    except OSError:
        return False


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else "the output: "
        return where + with_cure(error)
    return str(error)


def _parsed(words: list[str]) -> argparse.Namespace:
    top = parser(words[0])
    _check_command(words[0], top.names())
    config.use(list(top.commands()))
    parsed, rest = top.parse_known_args(words)
    if rest:
        parsed.parser.too_many(rest)
    return parsed


def parser(word: str, exercises: Iterable[str] = ()) -> Parser:
    """The parser for a command line that begins with `word`.

    An exercise's name is a command of its own: `word`, where it begins like one, and
    each of `exercises`.
    """
    top = Parser(
        prog="grade",
        usage="grade COMMAND ...",
        description="Run a program under the kernel's own eyes, and grade what it did.",
    )
    top.add_argument("--version", action="version", version=f"forklab {__version__}")
    commands = top.add_subparsers(
        prog="grade", title="commands", metavar="COMMAND", required=True
    )

    def add(
        name: str,
        run: Callable[[argparse.Namespace], int],
        text: str,
        *,
        of_a_course: bool = True,
    ) -> argparse.ArgumentParser:
        description = text[0].upper() + text[1:] + "."
        command = commands.add_parser(name, help=text, description=description)
        command.set_defaults(run=run)
        if of_a_course:
            command.add_argument(
                "--course",
                metavar="FOLDER",
                type=named_path,
                help="a course of your own, with exercises/ in it",
            )
        return command

    # Only what begins like one costs reading the catalog.
    named = word if word.startswith("exercise") else ANY_EXERCISE
    for one in exercises or [named]:
        add_exercise(add(one, grade_one, "grade one exercise"), one)
    add_all(add("all", grade_all, "grade every exercise"))
    add_course(add("course", course, "grade what a whole course handed in"))
    add_gradebook(add("gradebook", gradebook, "make a gradebook of the results"))
    add_report(add("report", report, "tell an instructor what a class understood"))
    gradescope = "make forklab part of Gradescope"
    add_gradescope(add("gradescope", _help, gradescope, of_a_course=False))
    add("list", list_exercises, "show the exercises")
    add_hint(add("hint", hint, "show one more hint for an exercise"))
    add_explain(add("explain", explain, "explain a diagnosis, or list them"))
    add_start(add("start", start, "copy stubs and hand-outs; never overwrites work"))
    trace = "run any program and tell what its processes did"
    add_trace(add("trace", trace_program, trace, of_a_course=False))
    verify = "verify a course: its folders, texts, checks and answers"
    add_check_course(add("check-course", check_course, verify, of_a_course=False))
    make = "make an exercise to begin with"
    add_new(add("new", new, make, of_a_course=False))
    allowed = "say what this machine allows, and the cure for the rest"
    add("doctor", doctor, allowed, of_a_course=False)
    complete = "print what makes your shell complete `grade`"
    add_completion(add("completion", completion, complete, of_a_course=False))
    helped = "show the help of a command"
    _add_help(add("help", _help, helped, of_a_course=False))
    config.add_options(list(top.commands()))
    return top


def _check_command(word: str, known: Iterable[str]) -> None:
    """Raises `UsageError`, with the name that is most like it, where there is none."""
    known = list(known)
    if word.startswith("-") or word in known:
        return
    like = re.fullmatch(r"exerci[sc]e[ _.-]?(\d{1,9})", word, re.IGNORECASE)
    commands = [name for name in known if name != ANY_EXERCISE]
    close = difflib.get_close_matches(word, commands, n=1)
    if like:
        close = [f"exercise{int(like[1])}"]
    meant = f"; did you mean `grade {close[0]}`?" if close else ":"
    raise UsageError(f"there is no command {word!r}{meant} `grade --help` shows all")


def _add_help(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "command",
        metavar="COMMAND",
        nargs="*",
        help="such as course; without it, all commands are shown",
    )


def _help(arguments: argparse.Namespace) -> int:
    return main([*arguments.command, "--help"])
