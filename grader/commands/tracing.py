"""``grade trace``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import UsageError
from grader.usage import FULL, NOT_FULL, positive

if TYPE_CHECKING:
    from grader.exploring.choices import Pilot
    from grader.exploring.search import Found
    from grader.tracing.launch import Zygote
    from grader.tracing.recording import Recording
    from grader.tracing.schedule import Schedule

# So many runs are made at most to shorten a schedule that fails.
_SHRINKING = 200


def add_trace(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade trace``."""
    command.add_argument(
        "--json", metavar="FILE", type=Path, help="write the recording"
    )
    when = command.add_mutually_exclusive_group()
    when.add_argument(
        "--schedule",
        metavar="NAME",
        default="take_turns",
        help="whose turn comes when, such as child_first (a wrong NAME lists them), or "
        "the code that --explore told",
    )
    when.add_argument(
        "--explore",
        metavar="N",
        type=positive,
        help="search in N runs, each in an empty folder, for a schedule under which "
        "something goes wrong",
    )
    command.add_argument(
        "--redirected", action="store_true", help="standard output is a pipe"
    )
    command.add_argument("--verbose", action="store_true", help="show every event")
    command.add_argument("program", metavar="PROGRAM", help="a file, or a command")
    command.add_argument(
        "arguments", metavar="ARGS", nargs="...", help="passed on to the program"
    )


def trace_program(arguments: argparse.Namespace) -> int:
    """Run a program and tell what its processes did; the exit status."""
    from grader.diagnosis.causes import general
    from grader.report.files import check_writable, keep_apart, write_whole
    from grader.report.recording import recording_json
    from grader.report.terminal import Reporter, console
    from grader.report.timeline import full, timeline

    pilot = None
    if arguments.explore is None:
        schedule, pilot = _schedule(arguments.schedule)
    if Path(arguments.program).is_dir() and os.sep in arguments.program:
        raise UsageError(f"{arguments.program} is a folder; name a program in it")
    if arguments.json is not None:
        check_writable(arguments.json)
        keep_apart(Path(arguments.program), arguments.json)
    reporter = Reporter(console())
    try:
        if arguments.explore is not None:
            found, recording = _explored(arguments)
        else:
            # By a code it runs as it did in the search, in a folder of its own.
            folder = Path() if pilot is None else None
            recording = _run(arguments, schedule, directory=folder)
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no program {arguments.program!r}; name a file, or a command "
            "that the shell would find"
        ) from error
    except PermissionError as error:
        raise UsageError(
            f"{arguments.program} cannot be run: permission denied; see `chmod`"
        ) from error
    if pilot is not None and pilot.strayed is not None:
        raise UsageError(
            f"{arguments.schedule} is the schedule of another program, or of another "
            f"version of this one: whose turn it has at step {pilot.strayed} cannot "
            "run then; search again with --explore"
        )
    findings = general(recording)
    whole = arguments.verbose
    reporter.story((full if whole else timeline)(recording), whole=whole)
    reporter.gap()
    reporter.findings(findings)
    if arguments.explore is not None:
        reporter.line(_outcome(arguments, found, recording))
    elif not findings:
        reporter.line("Nothing is wrong that can be known without its exercise.")
    if arguments.json is not None:
        data = recording_json(recording, findings)
        write_whole(arguments.json, json.dumps(data, indent=2) + "\n")
    return NOT_FULL if findings else FULL


def _schedule(name: str) -> tuple[Schedule, Pilot | None]:
    """A schedule by its name or its code."""
    from grader.exploring.choices import Pilot, decode
    from grader.tracing.schedule import SCHEDULES

    if name in SCHEDULES:
        return SCHEDULES[name], None
    try:
        pilot = Pilot(decode(name))
    except ValueError:
        raise UsageError(
            f"there is no schedule {name!r}; there are {', '.join(SCHEDULES)}, and "
            "the codes that --explore tells"
        ) from None
    return pilot.schedule, pilot


def _run(
    arguments: argparse.Namespace,
    schedule: Schedule,
    *,
    directory: Path | None,
    zygote: Zygote | None = None,
) -> Recording:
    from grader.tracing.program import trace

    with trace(
        [arguments.program, *arguments.arguments],
        schedule=schedule,
        directory=directory,
        stdout="pipe" if arguments.redirected else "terminal",
        zygote=zygote,
    ) as program:
        if program.reads_input():
            program.close_input()
        return program.finish()


def _explored(arguments: argparse.Namespace) -> tuple[Found, Recording]:
    """What a search has come to, and the run to be told: its shortest failing one."""
    from grader.diagnosis.causes import general
    from grader.exploring.choices import Pilot
    from grader.exploring.search import Search
    from grader.exploring.shrink import shrink
    from grader.report.progress import SearchProgress
    from grader.tracing.launch import Zygote

    def fails(recording: Recording) -> bool:
        return bool(general(recording))

    with Zygote() as zygote, SearchProgress(arguments.explore) as progress:

        def run(schedule: Schedule) -> Recording:
            return _run(arguments, schedule, directory=None, zygote=zygote)

        search = Search(run, fails, runs=arguments.explore, progress=progress)
        found = search.search()
        if found.failure is None:
            return found, run(Pilot({}).schedule)
        smallest = shrink(run, fails, found.failure, runs=_SHRINKING)
        return found, smallest.recording


def _outcome(arguments: argparse.Namespace, found: Found, recording: Recording) -> str:
    runs = f"{found.runs} run{'s' * (found.runs != 1)}"
    if found.failure is not None:
        words = [arguments.program, *arguments.arguments]
        if arguments.redirected:
            words.insert(0, "--redirected")
        again = shlex.join(["grade", "trace", "--schedule", recording.schedule, *words])
        return f"Found in {runs}. To see it again: {again}"
    if found.complete:
        return (
            f"Nothing is wrong that can be known without its exercise in {runs}: all "
            f"interleavings with at most {found.preemptions} preemptions, but for the "
            "orders of steps that cannot affect each other. The story is that of the "
            "first."
        )
    return (
        f"Nothing is wrong that can be known without its exercise in {runs}; there are "
        "more interleavings than these. The story is that of the first."
    )
