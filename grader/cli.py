"""The words of ``grade``: arguments to calls, and outcomes to exit statuses."""

from __future__ import annotations

import argparse
import difflib
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from grader import __version__, ending
from grader.course.commands import add_course, add_gradebook, course, gradebook
from grader.errors import GraderError, UsageError
from grader.usage import (
    FULL,
    GRADER_FAILED,
    NOT_FULL,
    WRONG_USAGE,
    named_path,
    percentage,
)

if TYPE_CHECKING:
    from grader.catalog import Exercise
    from grader.verdict import Verdict
    from grader.worker import Worker

_INTERRUPTED = 128 + signal.SIGINT
_NOBODY_READS = 128 + signal.SIGPIPE

_EXAMPLES = """\
examples:
  grade start                      put the exercises into this folder
  grade exercise1                  grade exercises/exercise1/exercise1.py
  grade exercise2 pipe.py          grade a file of any name
  grade exercise2 --check stops-at-end-of-file --verbose
  grade hint exercise2             one more hint each time
  grade explain zombie-left        what a diagnosis means
  grade trace ./program.py 5       any program: what its processes do

exit status: 0 full marks (or --fail-under), 1 not, 2 wrong usage, 3 grader failed
"""


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
    try:
        parser = _parser(arguments)
        if not arguments:
            parser.print_help(sys.stderr)
            return WRONG_USAGE
        parsed = parser.parse_args(arguments)
        parsed.worker = worker
        run: Callable[[argparse.Namespace], int] = parsed.run
        status = run(parsed)
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"grade: {error}", file=sys.stderr)
        return WRONG_USAGE
    except KeyboardInterrupt:
        print("grade: interrupted; nothing was left running", file=sys.stderr)
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
        print(f"grade: {_sentence(error)}", file=sys.stderr)
        return GRADER_FAILED


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else "the output: "
        return where + error.strerror
    return str(error)


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    """The parser; an exercise's name is a command of its own."""
    parser = argparse.ArgumentParser(
        prog="grade",
        usage="grade COMMAND ...",
        description="Run a program under the kernel's own eyes, and grade what it did.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"forklab {__version__}")
    commands = parser.add_subparsers(prog="grade", metavar="COMMAND", required=True)

    def add(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=text, description=text, allow_abbrev=False
        )
        command.set_defaults(run=run)
        return command

    word = arguments[0] if arguments else ""
    # Only what begins like one costs reading the catalog.
    one = word if word.startswith("exercise") else "exerciseN"
    exercise = add(one, _grade_one, "grade one exercise")
    exercise.set_defaults(exercise=one)
    _add_grading(exercise)
    exercise.add_argument(
        "--check", metavar="NAME", action="append", help="run this check alone"
    )
    exercise.add_argument(
        "--exercism", metavar="FILE", type=Path, help="write Exercism's results"
    )
    everything = add("all", _grade_all, "grade every exercise")
    _add_grading(everything)
    everything.set_defaults(exercism=None)
    add_course(add("course", course, "grade what a whole course handed in"))
    add_gradebook(add("gradebook", gradebook, "make a gradebook of the results"))
    add("list", _list, "show the exercises")
    hint = add("hint", _hint, "show one more hint for an exercise")
    hint.add_argument("exercise", metavar="EXERCISE")
    hint.add_argument("--again", action="store_true", help="begin with the first hint")
    explain = add("explain", _explain, "explain a diagnosis; without ID, list them")
    explain.add_argument("diagnosis", metavar="ID", nargs="?")
    start = add("start", _start, "copy stubs and hand-outs; never overwrites work")
    start.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, default=Path())
    _add_trace(add("trace", _trace, "run any program and tell what its processes did"))
    add("doctor", _doctor, "say what this machine allows, and the cure for the rest")
    known = [*commands.choices]
    if word and not word.startswith("-") and word not in known:
        close = difflib.get_close_matches(word, known, n=1)
        meant = f"; did you mean `grade {close[0]}`?" if close else ":"
        raise UsageError(
            f"there is no command {word!r}{meant} `grade --help` shows all"
        )
    return parser


def _add_grading(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "submission",
        metavar="FILE or FOLDER",
        nargs="?",
        type=named_path,
        help="what to grade; without it, your file in this folder or below exercises/",
    )
    command.add_argument("--json", metavar="FILE", type=Path, help="write the verdict")
    command.add_argument("--junit", metavar="FILE", type=Path, help="write JUnit XML")
    command.add_argument(
        "--gradescope", metavar="FILE", type=Path, help="write Gradescope's results"
    )
    command.add_argument(
        "--github",
        action="store_true",
        help="for GitHub Actions: annotate the submission, fill the job's summary",
    )
    command.add_argument(
        "--fail-under",
        metavar="PERCENT",
        type=percentage,
        default=Decimal(100),
        help="exit with 0 from so many percent of all points on (default: 100)",
    )
    command.add_argument(
        "--verbose", action="store_true", help="show all that was recorded"
    )


def _add_trace(command: argparse.ArgumentParser) -> None:
    command.usage = "grade trace [OPTIONS] PROGRAM [ARGS ...]"
    command.add_argument(
        "--json", metavar="FILE", type=Path, help="write the recording"
    )
    command.add_argument(
        "--schedule",
        metavar="NAME",
        default="take_turns",
        help="whose turn comes when, such as child_first; a wrong NAME lists them",
    )
    command.add_argument(
        "--redirected", action="store_true", help="standard output is a pipe"
    )
    command.add_argument("--verbose", action="store_true", help="show every event")
    command.add_argument("program", metavar="PROGRAM", help="a file, or a command")
    command.add_argument(
        "arguments", metavar="ARGS", nargs="...", help="passed on to the program"
    )


# --- grading ------------------------------------------------------------------


def _grade_one(arguments: argparse.Namespace) -> int:
    from grader.worker import Worker

    if arguments.check and len(arguments.check) > 1:
        raise UsageError("--check takes one check; without it all of them run")
    check = arguments.check[0] if arguments.check else None
    with arguments.worker or Worker() as worker:
        from grader.catalog import find, names

        exercise = find(arguments.exercise)
        verdict = _graded(exercise, arguments, check, worker)

    from grader.report.terminal import Reporter, console

    reporter = Reporter(console())
    with _text_alone(arguments):
        reporter.verdict(verdict, exercise, whole=arguments.verbose)
        following = (
            dict(pairwise(names())).get(exercise.name) if check is None else None
        )
        reporter.next_step(verdict, following)
    _write(arguments, [verdict], json.dumps(verdict.as_json(), indent=2))
    return _status([verdict], arguments.fail_under)


def _grade_all(arguments: argparse.Namespace) -> int:
    from grader.catalog import find_exercises
    from grader.report.terminal import Reporter, console
    from grader.verdict import SCHEMA
    from grader.worker import Worker

    given = arguments.submission
    if given is not None and not given.is_dir():
        raise UsageError(
            f"{given} is not a folder; `grade all` takes the one with all exercises"
        )
    reporter = Reporter(console())
    verdicts = []
    with _text_alone(arguments):
        for exercise in find_exercises().values():
            with Worker() as worker:
                verdict = _graded(exercise, arguments, None, worker)
            verdicts.append(verdict)
            reporter.verdict(verdict, exercise, whole=arguments.verbose)
            reporter.gap()
        reporter.summary(verdicts)
    data = {"schema": SCHEMA, "verdicts": [v.as_json() for v in verdicts]}
    _write(arguments, verdicts, json.dumps(data, indent=2))
    return _status(verdicts, arguments.fail_under)


def _graded(
    exercise: Exercise,
    arguments: argparse.Namespace,
    check: str | None,
    worker: Worker,
) -> Verdict:
    from grader.report.files import check_writable
    from grader.report.progress import LiveProgress
    from grader.session import grade
    from grader.submission import locate
    from grader.tracing.ptrace import hide_memory

    hide_memory()

    submission = locate(exercise, arguments.submission)
    named = (arguments.json, arguments.junit, arguments.gradescope, arguments.exercism)
    reports = [path for path in named if path is not None]
    for path in reports:
        check_writable(path)
    _keep_apart(submission, *reports)
    with LiveProgress() as progress:
        return grade(
            exercise,
            submission,
            only=check,
            verbose=arguments.verbose,
            progress=ending.heeding(progress),
            worker=worker,
        )


def _keep_apart(program: Path, *reports: Path) -> None:
    """Raises `UsageError` where a report would take the place of another file."""
    seen = {program.resolve()}
    for path in reports:
        if path.resolve() in seen and not path.is_char_device():
            raise UsageError(f"{path} is written to or read already; name another file")
        seen.add(path.resolve())


def _write(
    arguments: argparse.Namespace, verdicts: Sequence[Verdict], data: str
) -> None:
    from grader.report.files import write_whole

    if arguments.json is not None:
        write_whole(arguments.json, data + "\n")
    if arguments.junit is not None:
        from grader.report.junit import junit

        write_whole(arguments.junit, junit(verdicts))
    if arguments.exercism is not None:
        from grader.report.exercism import exercism

        (verdict,) = verdicts  # it is asked for one exercise
        write_whole(arguments.exercism, exercism(verdict))
    if arguments.gradescope is not None:
        _write_gradescope(arguments.gradescope, verdicts)
    if arguments.github:
        _tell_github(verdicts)


def _write_gradescope(path: Path, verdicts: Sequence[Verdict]) -> None:
    from grader.report.files import write_whole
    from grader.report.gradescope import gradescope
    from grader.verdict import Outcome

    if any(verdict.outcome is Outcome.GRADER_ERROR for verdict in verdicts):
        # Without the file Gradescope says that the autograder failed, which is so.
        path.unlink(missing_ok=True)
    else:
        write_whole(path, gradescope(verdicts))


def _text_alone(arguments: argparse.Namespace) -> AbstractContextManager[None]:
    """What is printed meanwhile are no commands to whoever runs this job."""
    if not arguments.github:
        return nullcontext()
    from grader.report.github import without_commands

    return without_commands(sys.stdout)


def _tell_github(verdicts: Sequence[Verdict]) -> None:
    from grader.report.github import annotate, summary

    for annotation in annotate(verdicts):
        print(annotation)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with open(page, "a", encoding="utf-8") as file:
            file.write(summary(verdicts))


def _status(verdicts: Sequence[Verdict], enough: Decimal) -> int:
    """The exit status; `enough` is the part of all points, in percent, that passes."""
    from grader.verdict import Outcome

    if any(verdict.outcome is Outcome.GRADER_ERROR for verdict in verdicts):
        return GRADER_FAILED
    points = sum(verdict.max_score for verdict in verdicts)
    score = sum(verdict.score for verdict in verdicts)
    return FULL if score * 100 >= enough * points else NOT_FULL


# --- everything else ----------------------------------------------------------


def _list(_: argparse.Namespace) -> int:
    from grader.catalog import find_exercises
    from grader.report.terminal import Reporter, console

    Reporter(console()).exercises(find_exercises().values())
    return FULL


def _hint(arguments: argparse.Namespace) -> int:
    from grader.catalog import find
    from grader.hints import next_hint, state_file
    from grader.report.terminal import Reporter, console

    hint = next_hint(find(arguments.exercise), again=arguments.again)
    reporter = Reporter(console())
    if hint is None:
        reporter.line(f"{arguments.exercise} has no hints")
        return FULL
    reporter.line(f"Hint {hint.number} of {hint.count}", "bold")
    reporter.line(hint.text, indent=2)
    if not hint.kept:
        reporter.line(
            f"That it was shown could not be kept in {state_file()}; "
            "set XDG_STATE_HOME to a folder of yours for more."
        )
    if hint.number == hint.count:
        reporter.line(
            f"That was the last one. `grade hint {arguments.exercise} --again` begins "
            "with the first."
        )
    return FULL


def _explain(arguments: argparse.Namespace) -> int:
    from grader.diagnosis.texts import all_ids, text
    from grader.report.terminal import Reporter, console

    reporter = Reporter(console())
    wanted = arguments.diagnosis
    if wanted is None:
        for identity in all_ids():
            reporter.line(f"{identity}: {text(identity).title}")
        return FULL
    if wanted not in all_ids():
        close = difflib.get_close_matches(wanted, all_ids(), n=1)
        meant = f"; did you mean {close[0]}?" if close else ":"
        raise UsageError(
            f"there is no diagnosis {wanted!r}{meant} `grade explain` lists them"
        )
    reporter.explanation(text(wanted))
    return FULL


def _start(arguments: argparse.Namespace) -> int:
    from grader.catalog import find_exercises
    from grader.report.terminal import Reporter, console
    from grader.starting import hand_out

    reporter = Reporter(console())
    for done in hand_out(find_exercises().values(), arguments.folder):
        what = "" if done.copied else " was there already and stays as it is"
        reporter.line(f"{done.path}{what}")
    first = next(iter(find_exercises()))
    where = "" if arguments.folder == Path() else f"cd {arguments.folder}, then "
    reporter.line(
        f"Next: read exercises/{first}/README.md; {where}`grade {first}` any time."
    )
    return FULL


def _trace(arguments: argparse.Namespace) -> int:
    from grader.diagnosis.causes import general
    from grader.report.files import check_writable, write_whole
    from grader.report.recording import recording_json
    from grader.report.terminal import Reporter, console
    from grader.report.timeline import full, timeline
    from grader.tracing.program import trace
    from grader.tracing.schedule import SCHEDULES

    schedule = SCHEDULES.get(arguments.schedule)
    if schedule is None:
        raise UsageError(
            f"there is no schedule {arguments.schedule!r}; there are "
            + ", ".join(SCHEDULES)
        )
    if arguments.json is not None:
        check_writable(arguments.json)
        _keep_apart(Path(arguments.program), arguments.json)
    try:
        with trace(
            [arguments.program, *arguments.arguments],
            schedule=schedule,
            directory=Path(),
            stdout="pipe" if arguments.redirected else "terminal",
        ) as program:
            if program.reads_input():
                program.close_input()
            recording = program.finish()
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no program {arguments.program!r}; name a file, or a command "
            "that the shell would find"
        ) from error
    except PermissionError as error:
        raise UsageError(
            f"{arguments.program} cannot be run: permission denied; see `chmod`"
        ) from error
    findings = general(recording)
    reporter = Reporter(console())
    whole = arguments.verbose
    reporter.story((full if whole else timeline)(recording), whole=whole)
    reporter.gap()
    reporter.findings(findings)
    if not findings:
        reporter.line("Nothing is wrong that can be known without its exercise.")
    if arguments.json is not None:
        data = recording_json(recording, findings)
        write_whole(arguments.json, json.dumps(data, indent=2) + "\n")
    return NOT_FULL if findings else FULL


def _doctor(_: argparse.Namespace) -> int:
    from grader.doctor import examine
    from grader.report.terminal import Reporter, console

    reporter = Reporter(console())
    well = True
    for probe in examine():
        reporter.probe(probe.ok, probe.what, probe.cure)
        well = well and probe.ok is not False
    reporter.gap()
    if well:
        reporter.line("This machine can grade.", "bold green")
        return FULL
    reporter.line("This machine cannot grade yet.", "bold red")
    return GRADER_FAILED
