"""``grade trace``."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from grader.commands.outputs import Audience
from grader.errors import UsageError
from grader.usage import FULL, NOT_FULL, positive, seconds


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
        "--seconds",
        metavar="S",
        type=seconds,
        help="with --explore: begin no further run after so many seconds",
    )
    command.add_argument(
        "--redirected", action="store_true", help="standard output is a pipe"
    )
    command.add_argument("--verbose", action="store_true", help="show every event")
    command.add_argument(
        "--picture",
        action="store_true",
        help="draw the processes side by side, instead of telling a story",
    )
    command.add_argument(
        "--svg", metavar="FILE", type=Path, help="write the picture, as SVG"
    )
    command.add_argument(
        "--html", metavar="FILE", type=Path, help="write the picture, as a page"
    )
    command.add_argument("program", metavar="PROGRAM", help="a file, or a command")
    command.add_argument(
        "arguments", metavar="ARGS", nargs="...", help="passed on to the program"
    )


def trace_program(arguments: argparse.Namespace) -> int:
    """Run a program and tell what its processes did; the exit status."""
    from grader.commands.exploring import explored, outcome, run_once, schedule_of
    from grader.commands.picturing import drawn, source_of, write_pictures
    from grader.diagnosis.causes import general
    from grader.files import check_writable, keep_apart, write_whole
    from grader.report.recording import recording_json
    from grader.report.story import steps
    from grader.report.terminal import Reporter, console
    from grader.report.timeline import full, timeline

    pilot = None
    if arguments.explore is None:
        schedule, pilot = schedule_of(arguments.schedule)
    if Path(arguments.program).is_dir() and os.sep in arguments.program:
        raise UsageError(f"{arguments.program} is a folder; name a program in it")
    files = (arguments.json, arguments.svg, arguments.html)
    for file in filter(None, files):
        check_writable(file)
    keep_apart(Path(arguments.program), *filter(None, files))
    # Read now: the program may change its file.
    source = source_of(arguments.program)
    to = console()
    reporter = Reporter(to)
    try:
        if arguments.explore is not None:
            found, recording = explored(arguments)
        else:
            # By a code it runs as it did in the search, in a folder of its own.
            folder = Path() if pilot is None else None
            recording = run_once(arguments, schedule, directory=folder)
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
            f"version of this one: what it chooses at step {pilot.strayed} cannot "
            "be done then; search again with --explore"
        )
    findings = general(recording)
    whole = arguments.verbose
    told = steps(recording, findings, source)

    def tell() -> None:
        if told:
            reporter.steps(told)
            reporter.gap()
        if arguments.picture:
            reporter.drawing(drawn(recording, findings, to, whole=whole))
        else:
            reporter.story((full if whole else timeline)(recording))
        reporter.gap()
        reporter.findings(findings)
        if arguments.explore is not None:
            reporter.line(outcome(arguments, found, recording))
        elif not findings:
            reporter.line("Nothing is wrong that can be known without its exercise.")

    audience = Audience()
    audience.tell(tell)
    if arguments.json is not None:
        data = recording_json(recording, findings, told)
        write_whole(arguments.json, json.dumps(data, indent=2) + "\n")
    if arguments.svg is not None or arguments.html is not None:
        write_pictures(arguments, recording, findings, source)
    audience.dismiss()
    return NOT_FULL if findings else FULL
